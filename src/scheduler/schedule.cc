// What senders say of times: not before, and not after.
#include <algorithm>

#include "scheduler/scheduler.h"

namespace gonets::scheduler {
namespace {

constexpr std::int64_t last_try_ms = 60'000;

}  // namespace

void scheduler::note_schedule(entry& e, const spool::queued_message& m) const {
  const auto& asked = m.envelope;
  const bool ends = asked.by_return && asked.deliver_by != wall_time{};
  if (asked.release_at == wall_time{} && !ends) return;
  auto at = m.begins() + policy(e.stream).retry.expires_after;
  if (ends) at = std::min(at, asked.deliver_by);
  e.expires_ms = at.time_since_epoch().count();
}

void scheduler::keep_until_release(newcomer n, wall_time release_at) {
  defer_until(add(std::move(n)), release_at.time_since_epoch().count());
}

bool scheduler::held_by_sender(const entry& e) const {
  return e.expires_ms != 0 && e.attempts == 0 && e.due_ms > now_ms();
}

wall_time scheduler::expiry_of(const entry& e) const {
  if (e.expires_ms != 0) return wall_time(std::chrono::milliseconds(e.expires_ms));
  return wall_time(std::chrono::milliseconds(accepted_at_ms(e.id))) + policy(e.stream).retry.expires_after;
}

// The last try is made at the very end: it has a while of its own to begin.
std::int64_t scheduler::given_up_ms(const entry& e) const {
  return e.due_ms >= e.expires_ms ? e.due_ms + last_try_ms : e.expires_ms;
}

// Also while nothing is tried, behind a limit or a hold.
void scheduler::watch_expiry(handle h) {
  auto& e = entries_[h];
  if (e.expires_ms == 0) return;
  if (now_ms() >= e.expires_ms) e.due_ms = std::max(e.due_ms, now_ms());  // it became due while nothing was running
  due_.push_back({given_up_ms(e), h});
  std::ranges::push_heap(due_, std::greater<>{});
}

void scheduler::expire(handle h) {
  smtp::recipient_outcome why;
  why.what = smtp::disposition::deferred;
  why.answer = {451, {4, 4, 7}, "It was not sent by the time that its sender set"};
  end_entry(h, events::kind::expired, why, "its sender's time is over");
}

}  // namespace gonets::scheduler
