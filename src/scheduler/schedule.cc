// What senders say of times: not before, and not after.
#include <algorithm>

#include "scheduler/detail/tuning.h"
#include "scheduler/scheduler.h"

namespace gonets::scheduler {
namespace {

constexpr std::int64_t last_try_ms = 60'000;

}  // namespace

void scheduler::note_schedule(entry& e, const spool::queued_message& m) const {
  const auto& asked = m.envelope;
  const bool timed = asked.deliver_by != wall_time{};
  e.by_notice = timed && !asked.by_return && !e.delay_reported;
  e.expires_ms = e.by_notice ? asked.deliver_by.time_since_epoch().count() : 0;
  if (e.by_notice) return;
  const bool ends = timed && asked.by_return;
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
  const wall_time set(std::chrono::milliseconds(e.expires_ms));
  if (e.expires_ms != 0 && !e.by_notice) return set;
  const auto usual = wall_time(std::chrono::milliseconds(accepted_at_ms(e.id))) + policy(e.stream).retry.expires_after;
  return std::max(usual, set);
}

// The last try is made at the very end: it has a while of its own to begin.
std::int64_t scheduler::given_up_ms(const entry& e) const {
  return e.due_ms >= e.expires_ms ? e.due_ms + last_try_ms : e.expires_ms;
}

// Also while nothing is tried, behind a limit or a hold.
void scheduler::watch_expiry(handle h) {
  auto& e = entries_[h];
  if (e.expires_ms == 0) return;
  if (e.by_notice) return watch_notice(h, e.expires_ms);
  if (now_ms() >= e.expires_ms) e.due_ms = std::max(e.due_ms, now_ms());  // it became due while nothing was running
  due_.push_back({given_up_ms(e), h});
  std::ranges::push_heap(due_, std::greater<>{});
}

void scheduler::watch_notice(handle h, std::int64_t at_ms) {
  due_.push_back({at_ms, h});
  std::ranges::push_heap(due_, std::greater<>{});
}

// RFC 2852 4.2: its sender hears of the delay at that time, whatever the recipient waits for; it is tried further. An
// attempt that is under way tells of itself, and what an operator holds is told of when it goes on.
void scheduler::tell_of_delay(handle h) {
  const auto& waiting = entries_[h];
  using enum entry_state;
  if (waiting.state == resolving || waiting.state == loading) return watch_notice(h, now_ms() + detail::busy_retry_ms);
  if (waiting.state != ready && waiting.state != deferred && waiting.state != paused) return;
  with_message(h, [this, h, due_ms = waiting.due_ms](const spool::message_ptr& m) {
    if (entries_[h].remove_wanted) return end_entry(h, events::kind::cancelled, {}, {});
    tell_of_delay(h, m);
    defer_until(h, due_ms);
    if (!entries_[h].hold_wanted) return;
    entries_[h].hold_wanted = false;
    hold(h, {});
  });
}

void scheduler::expire(handle h) {
  smtp::recipient_outcome why;
  why.what = smtp::disposition::deferred;
  why.answer = {451, {4, 4, 7}, "It was not sent by the time that its sender set"};
  end_entry(h, events::kind::expired, why, "its sender's time is over");
}

}  // namespace gonets::scheduler
