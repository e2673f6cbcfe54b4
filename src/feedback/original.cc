#include "feedback/original.h"

#include <algorithm>

#include "events/log_reader.h"

namespace gonets::feedback {

events::event event_about(const original& of, const message::verp& who, events::kind what, wall_time at) {
  events::event e;
  e.kind = what;
  e.at = at;
  e.message = who.message;
  e.account = of.accepted.account;
  e.stream = of.accepted.stream;
  e.sender = of.accepted.sender;
  e.labels = of.accepted.labels;
  e.recipients.push_back({who.recipient, of.recipient});
  return e;
}

storage::result<std::optional<original>> find_original(const storage::store& in, const message::verp& of) {
  auto history = events::read_history(in, of.message);
  if (!history) return std::unexpected(std::move(history.error()));
  const auto accepted = std::ranges::find(*history, events::kind::accepted, &events::event::kind);
  if (accepted == history->end()) return std::nullopt;
  const auto named = std::ranges::find(accepted->recipients, of.recipient, &events::event_recipient::index);
  if (named == accepted->recipients.end()) return std::nullopt;
  original found{*accepted, named->address, {}, {}};
  const auto delivered = std::ranges::find_if(*history, [&](const events::event& e) {
    return e.kind == events::kind::delivered &&
           std::ranges::find(e.recipients, of.recipient, &events::event_recipient::index) != e.recipients.end();
  });
  if (delivered == history->end()) return found;
  found.egress = std::move(delivered->egress);
  found.provider = std::move(delivered->provider);
  return found;
}

}  // namespace gonets::feedback
