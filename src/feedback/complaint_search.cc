#include "feedback/complaint_search.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace gonets::feedback {
namespace {

constexpr std::size_t queue_ids_max = 5;  // of one report: each is a look into the event log

using found = std::optional<complained_of>;

// "by mx.example.com (Gonets) with ESMTP id 35EYYFHHG001 for ..."
std::optional<message_id> queue_id_in(std::string_view received) {
  const auto at = received.find(" id ");
  if (at == std::string_view::npos) return std::nullopt;
  const auto rest = received.substr(at + 4);
  return parse_message_id(rest.substr(0, rest.find_first_of(" \t\r\n;")));
}

void add_once(std::vector<message_id>& to, std::optional<message_id> id) {
  if (id && to.size() < queue_ids_max && std::ranges::find(to, *id) == to.end()) to.push_back(*id);
}

// Of Received, and of a Message-ID that we added; the hop that is nearest to the sender comes first.
std::vector<message_id> queue_ids_in(const bounce::original_marks& marks) {
  std::vector<message_id> all;
  add_once(all, parse_message_id(std::string_view(marks.message_id).substr(0, marks.message_id.find('.'))));
  for (auto hop = marks.received.rbegin(); hop != marks.received.rend(); ++hop)
    add_once(all, queue_id_in(*hop));
  return all;
}

std::optional<message::verp> signed_in(const std::vector<std::string>& texts, const message::verp_signer& by) {
  for (const auto& text : texts) {
    if (const auto who = by.find_in(text)) return who;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_text(trace_mark m) {
  static constexpr std::array<std::string_view, 5> names{"return_path", "feedback_id", "list_unsubscribe", "queue_id",
                                                         "message_id"};
  return names[static_cast<std::size_t>(m)];
}

bool is_signed(trace_mark m) {
  return m < trace_mark::queue_id;
}

storage::result<std::optional<complained_of>> complaint_search::find(const bounce::original_marks& marks,
                                                                     const std::vector<bounce::report>& reports) const {
  const auto proved = [&](const std::optional<message::verp>& who, trace_mark by) -> storage::result<found> {
    if (!who) return std::nullopt;
    auto of = find_original(log, *who);
    if (!of) return std::unexpected(std::move(of.error()));
    if (!*of) return std::nullopt;
    return complained_of{*who, std::move(**of), by};
  };
  const auto guessed = [&](message_id id, trace_mark by) -> storage::result<found> {
    auto of = find_original(log, id, reports);
    if (!of) return std::unexpected(std::move(of.error()));
    if (!*of) return std::nullopt;
    return complained_of{{id, (*of)->index}, std::move(**of), by};
  };
  if (auto one = proved(signed_in(marks.return_paths, return_paths), trace_mark::return_path); !one || *one) return one;
  if (auto one = proved(feedback_ids.find_in(marks.feedback_id), trace_mark::feedback_id); !one || *one) return one;
  if (auto one = proved(unsubscribes.find_in(marks.list_unsubscribe), trace_mark::list_unsubscribe); !one || *one)
    return one;
  for (const auto id : queue_ids_in(marks)) {
    if (auto one = guessed(id, trace_mark::queue_id); !one || *one) return one;
  }
  if (marks.message_id.empty() || !by_header) return std::nullopt;
  const auto id = by_header(marks.message_id);
  return id ? guessed(*id, trace_mark::message_id) : std::nullopt;
}

}  // namespace gonets::feedback
