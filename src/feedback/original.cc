#include "feedback/original.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "events/log_reader.h"

namespace gonets::feedback {
namespace {

std::optional<recipient_index> recipient_named(const events::event& accepted,
                                               const std::vector<bounce::report>& told_by) {
  std::set<std::string> named;
  for (const auto& told : told_by)
    named.insert(to_lower(told.recipient));
  std::optional<recipient_index> only;
  for (const auto& r : accepted.recipients) {
    if (accepted.recipients.size() > 1 && !named.contains(to_lower(r.address))) continue;
    if (only) return std::nullopt;
    only = r.index;
  }
  return only;
}

}  // namespace

std::optional<original> original_in(const std::vector<events::event>& history, recipient_index of) {
  const auto accepted = std::ranges::find(history, events::kind::accepted, &events::event::kind);
  if (accepted == history.end()) return std::nullopt;
  const auto named = std::ranges::find(accepted->recipients, of, &events::event_recipient::index);
  if (named == accepted->recipients.end()) return std::nullopt;
  original found{*accepted, of, named->address, {}, {}};
  const auto delivered = std::ranges::find_if(history, [&](const events::event& e) {
    return e.kind == events::kind::delivered &&
           std::ranges::find(e.recipients, of, &events::event_recipient::index) != e.recipients.end();
  });
  if (delivered == history.end()) return found;
  found.egress = delivered->egress;
  found.provider = delivered->provider;
  return found;
}

events::event event_about(const original& of, const message::verp& who, events::kind what, wall_time at) {
  events::event e;
  e.kind = what;
  e.at = at;
  e.message = who.message;
  e.account = of.accepted.account;
  e.stream = of.accepted.stream;
  e.sender = of.accepted.sender;
  e.labels = of.accepted.labels;
  e.list_id = of.accepted.list_id;
  e.recipients.push_back({who.recipient, of.recipient});
  return e;
}

storage::result<std::optional<original>> find_original(const storage::store& in, const message::verp& of) {
  const auto all = events::read_history(in, of.message);
  if (!all) return std::unexpected(all.error());
  return original_in(*all, of.recipient);
}

storage::result<std::optional<original>> find_original(const storage::store& in, message_id of,
                                                       const std::vector<bounce::report>& told_by) {
  const auto all = events::read_history(in, of);
  if (!all) return std::unexpected(all.error());
  const auto accepted = std::ranges::find(*all, events::kind::accepted, &events::event::kind);
  if (accepted == all->end()) return std::nullopt;
  const auto who = recipient_named(*accepted, told_by);
  return who ? original_in(*all, *who) : std::nullopt;
}

}  // namespace gonets::feedback
