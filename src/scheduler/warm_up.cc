// Warm-ups: what their caps keep back goes by other egresses, what becomes of their mail is counted, and one shard sees
// to it that they go on.
#include "base/log.h"
#include "scheduler/detail/tuning.h"
#include "scheduler/scheduler.h"

namespace gonets::scheduler {

// The cap is reached: for a while the site's mail goes by the others of its pool. What has no other way stays.
void scheduler::spill(site& s) {
  const auto now = flow_now();
  const auto about = subject_of(s);
  if (now < s.spilled_until || !s.leaving.empty() || !env_.warm_ups.spills(about.egress, about.provider)) return;
  s.spilled_until = now + detail::spilled_for;
  list_leaving(s);
  if (s.leaving.empty()) return;
  const auto& first = entries_.domains.name(entries_[s.leaving.back()].domain);
  (void)env_.directory.past_egress(first, *s.to, detail::spilled_for);
  pass_some(s);
}

void scheduler::note_warm_up(const site& s, const std::optional<shaping::pace_outcome>& pace, bool against_egress) {
  using enum shaping::pace_outcome;
  if (env_.warm_ups.empty() || !pace) return;
  const auto about = subject_of(s);
  const auto tell = [&](shaping::warm_up_result r) { env_.warm_ups.note(about.egress, about.provider, r, flow_now()); };
  if (against_egress || *pace == throttled || *pace == deferred_other) {
    tell(shaping::warm_up_result::deferred);
  } else if (*pace == accepted) {
    tell(shaping::warm_up_result::accepted);
  }
}

void scheduler::note_complaint(std::string_view egress, std::string_view provider) {
  if (!env_.warm_ups.empty()) env_.warm_ups.note(egress, provider, shaping::warm_up_result::complained, flow_now());
}

void scheduler::review_warm_ups() {
  const auto done = env_.warm_ups.review(flow_now());
  if (!done.facts.empty()) {
    std::vector<spool::pace_fact> facts;
    for (const auto& [key, value] : done.facts)
      facts.push_back({key, value, {}});
    env_.store.keep(std::move(facts), with_.shard, {});
  }
  for (const auto& c : done.changes) {
    GONETS_LOG(info, "warm_up", "egress", c.egress, "provider", c.provider, "what", c.what);
    events::event happened;
    happened.kind = events::kind::pace;
    happened.at = env_.time.wall();
    happened.route = c.provider + " via " + c.egress;
    happened.reason = "warm-up: " + c.what;
    env_.store.record(std::move(happened));
    for (std::size_t i = 0; i < all_.size(); ++i)
      env_.shards.post(i, [other = all_[i], c] { other->kick_sites_of(c.egress, c.provider); });
  }
}

// Their cap has changed.
void scheduler::kick_sites_of(const std::string& egress, const std::string& provider) {
  for (const auto& s : sites_) {
    if (!s || s->queue.empty()) continue;
    const auto about = subject_of(*s);
    if (about.egress != egress || (about.provider.empty() ? shaping::other_sites : about.provider) != provider)
      continue;
    s->spilled_until = {};
    kick_later(*s);
  }
  kick_placed();
}

}  // namespace gonets::scheduler
