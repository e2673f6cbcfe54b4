// Mail that an egress can't carry: it goes by another one of the pool, or waits.
#include "scheduler/scheduler.h"

namespace gonets::scheduler {

// The egress is at fault, not the site: nobody's attempt counts, and the site's health is as it was.
void scheduler::leave_egress(site& s, const spool::egress_trouble& why) {
  const auto until = flow_now() + why.lasts;
  if (until > s.hold.until) s.hold = {until, why.why, true};
  expire_waiting(s);
  pass_on(s);
  wait_for(s, {});
}

// The receiver wants no mail from this egress.
bool scheduler::go_by_other(entry& e, const shaping::ruling& by) {
  if (by.what.kind != shaping::verdict_kind::other_egress || e.at == nullptr || with_.pace.dry_run) return false;
  const auto name = env_.directory.past_egress(entries_.domains.name(e.domain), *e.at->to, by.what.duration);
  if (!name) return false;
  const auto domain = entries_.domains.add(*name);
  entries_.domains.release(e.domain);
  e.domain = domain;
  return true;
}

// Where the directory knows another way now.
void scheduler::pass_on(site& s) {
  std::vector<handle> waiting;
  s.queue.for_each(entries_, [&](handle h) {
    if (entries_[h].state == entry_state::ready && entries_[h].at == &s) waiting.push_back(h);
  });
  for (const auto h : waiting) {
    auto to = env_.directory.known(entries_.domains.name(entries_[h].domain));
    if (!to) {
      entries_[h].at = nullptr;
      resolve(h);
    } else if (to->site_key != s.to->site_key) {
      place(h, std::move(to));
    }
  }
  kick_placed();
}

}  // namespace gonets::scheduler
