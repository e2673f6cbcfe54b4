// Mail that an egress can't carry: it goes by another one of the pool, or waits.
#include <algorithm>

#include "scheduler/detail/tuning.h"
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

void scheduler::look_again(std::string_view egress) {
  std::vector<spool::site_id> by_it;  // passing on makes and drops sites
  for (const auto& s : sites_) {
    if (s && s->to->egress() == egress) by_it.push_back(s->id);
  }
  for (const auto id : by_it) {
    if (auto* s = find(id)) pass_on(*s);
    if (auto* s = find(id)) drop_if_idle(*s);
  }
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
  list_leaving(s);
  pass_some(s);
  kick_placed();
}

void scheduler::list_leaving(site& s) {
  s.leaving.clear();
  s.queue.for_each(entries_, [&](handle h) {
    if (entries_[h].state == entry_state::ready && entries_[h].at == &s) s.leaving.push_back(h);
  });
  std::ranges::reverse(s.leaving);
}

// So many at once that others on this shard don't wait for them. The sites that they come to are kicked later.
void scheduler::pass_some(site& s) {
  for (std::size_t n = 0; !s.leaving.empty() && n < detail::passed_on_at_once; ++n) {
    const auto h = s.leaving.back();
    s.leaving.pop_back();
    if (entries_[h].state != entry_state::ready || entries_[h].at != &s) continue;
    auto to = env_.directory.known(entries_.domains.name(entries_[h].domain));
    if (!to) {
      entries_[h].at = nullptr;
      resolve(h);
    } else if (to->site_key != s.to->site_key) {
      place(h, std::move(to));
    }
  }
  if (!s.leaving.empty()) plan_wake(s, flow_now() + detail::passed_on_each);
}

}  // namespace gonets::scheduler
