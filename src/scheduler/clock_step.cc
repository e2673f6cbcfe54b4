// When the wall clock is set back, what waits for its next attempt does not wait for the clock to catch up.
#include <algorithm>

#include "base/log.h"
#include "scheduler/scheduler.h"

namespace gonets::scheduler {
namespace {

constexpr std::chrono::seconds step_min{1};  // less is no step: a clock that is slewed, or rounding

// What a sender said of the time to send at is meant by the wall clock, whatever it shows.
bool waits_for_retry(const entry& e) {
  return e.state == entry_state::deferred && !(e.expires_ms != 0 && e.attempts == 0);
}

}  // namespace

void scheduler::notice_clock_step() {
  const auto ahead = env_.time.wall() - flow_now();
  const auto back = wall_ahead_ - ahead;
  wall_ahead_ = ahead;
  if (back < step_min) return;
  for (auto& item : due_) {
    auto& e = entries_[item.who];
    if (!waits_for_retry(e) || e.due_ms != item.due_ms) continue;
    e.due_ms -= back.count();
    item.due_ms = e.due_ms;
  }
  std::ranges::make_heap(due_, std::greater<>{});
  GONETS_LOG(warning, "clock_set_back", "by_ms", back.count(), "shard", with_.shard);
}

wall_time scheduler::due_of(const spool::recipient_record& r) const {
  const auto ahead = r.last_attempt - env_.time.wall();
  return ahead < step_min ? r.due : r.due - ahead;
}

}  // namespace gonets::scheduler
