// Addresses that their account's mail is not sent to: looked up when a message comes in, and again before each attempt.
// Nearly always the answer is in memory; else the disk is asked, with the recipient kept apart meanwhile.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/log.h"
#include "scheduler/detail/tuning.h"
#include "scheduler/scheduler.h"

namespace gonets::scheduler {

// Our own reports are nobody's mail.
bool scheduler::may_be_suppressed(const spool::queued_message& m, recipient_index who) const {
  return !m.is_report && env_.store.may_be_suppressed(m.account, m.envelope.recipients[who.value].address);
}

void scheduler::look_up_suppression(handle h) {
  auto& e = entries_[h];
  e.state = entry_state::leased;
  e.at = nullptr;
  ++leased_;
  const bool asked = env_.blocking.run([this, h, id = e.id, who = e.index, hot = e.hot, now = env_.time.wall()] {
    auto m = hot ? hot : env_.store.fetch(id, true);
    std::optional<suppression::entry> found;
    if (m) found = env_.store.find_suppression(m->account, m->envelope.recipients[who.value].address, m->stream, now);
    env_.shards.post(with_.shard, [this, h, m, found] { suppression_found(h, m, found); });
  });
  if (asked) return;
  --leased_;
  defer_until(h, now_ms() + detail::busy_retry_ms);
}

void scheduler::suppression_found(handle h, const spool::message_ptr& m,
                                  const std::optional<suppression::entry>& found) {
  --leased_;
  auto& e = entries_[h];
  if (!m) {
    GONETS_LOG(error, "message_unreadable", "id", to_text(e.id));
    return defer_until(h, now_ms() + detail::unreadable_retry_ms);
  }
  if (e.remove_wanted) return end_entry(h, events::kind::cancelled, {}, {});
  if (found) return suppress(h, m, *found);
  e.cleared = true;
  defer_until(h, e.due_ms);
  if (!entries_[h].hold_wanted) return;
  entries_[h].hold_wanted = false;
  hold(h, {});
}

// Of what is taken for an attempt.
void scheduler::keep_apart_suppressed(std::vector<handle>& taken) {
  std::erase_if(taken, [&](handle h) {
    auto& e = entries_[h];
    const bool cleared = e.cleared;
    e.cleared = false;
    if (cleared || !e.hot || !may_be_suppressed(*e.hot, e.index)) return false;
    look_up_suppression(h);
    return true;
  });
}

std::string scheduler::why_suppressed(const suppression::entry& e) {
  const auto since = std::chrono::system_clock::to_time_t(
      std::chrono::system_clock::time_point(std::chrono::floor<std::chrono::seconds>(e.since.time_since_epoch())));
  return fmt::format("The address is on the suppression list{}{} since {:%Y-%m-%d} ({}): nothing was sent to it",
                     e.scope.empty() ? "" : " of stream ", e.scope, fmt::gmtime(since), e.reason);
}

}  // namespace gonets::scheduler
