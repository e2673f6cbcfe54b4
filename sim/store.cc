#include "sim/store.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "sim/world.h"

namespace gonets::sim {

spool::message_ptr store::make(message_id id, letter what) const {
  auto m = std::make_shared<spool::queued_message>();
  m->id = id;
  m->account = account_id{what.account};
  m->stream = streams_[what.stream];
  m->envelope.recipients.push_back({"a@" + world::domain_name(what.domain), {}, {}});
  m->body = "?";
  m->body_bytes = 1;
  m->in_memory = true;
  return m;
}

spool::message_ptr store::add(message_id id, letter what) {
  ++added;
  letters_.emplace(id.value, what);
  return make(id, what);
}

const letter* store::find(message_id id) const {
  const auto at = letters_.find(id.value);
  return at == letters_.end() ? nullptr : &at->second;
}

bool store::begin(message_id id) {
  const auto at = letters_.find(id.value);
  return at != letters_.end() && !std::exchange(at->second.begun, true);
}

spool::message_ptr store::fetch(message_id id, bool) const {
  const auto* found = find(id);
  return found == nullptr ? nullptr : make(id, *found);
}

void store::settle(spool::change request) {
  for (const auto& r : request.recipients) {
    if (r.record.phase != spool::recipient_phase::ended) continue;
    if (letters_.erase(request.id.value) == 0)
      throw std::logic_error(fmt::format("message {} ended twice", to_text(request.id)));
  }
  for (const auto& e : request.events) {
    const auto count = e.recipients.size();
    if (e.kind == events::kind::delivered) delivered += count;
    if (e.kind == events::kind::bounced) bounced += count;
    if (e.kind == events::kind::expired) expired += count;
    if (e.kind == events::kind::deferred) deferrals += count;
    if (e.kind == events::kind::pace) ++pace_changes;
  }
  if (!request.facts.empty()) {
    pace_.put(request.facts, time_.wall(), ignored_);
    ignored_.clear();
  }
  if (!request.done) return;
  time_.run([done = std::move(request.done)]() mutable { done(spool::commit_status::ok); });
}

}  // namespace gonets::sim
