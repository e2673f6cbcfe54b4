// Addresses that their account's mail is not sent to: looked up when a message comes in, and again before each attempt.
// Nearly always the answer is in memory; else the disk is asked, with the recipient kept apart meanwhile.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <memory>

#include "scheduler/scheduler.h"

namespace gonets::scheduler {

// Our own reports are nobody's mail.
bool scheduler::may_be_suppressed(const spool::queued_message& m, recipient_index who) const {
  return !m.is_report && !m.ignores_suppression &&
         env_.store.may_be_suppressed(m.account, m.envelope.recipients[who.value].address);
}

void scheduler::look_up_suppression(handle h) {
  auto found = std::make_shared<std::optional<suppression::entry>>();
  with_message(
      h, [this, h, found](const spool::message_ptr& m) { suppression_found(h, m, *found); },
      [this, who = entries_[h].index, now = env_.time.wall(), found](const spool::message_ptr& m) {
        *found = env_.store.find_suppression(m->account, m->envelope.recipients[who.value].address,
                                             {m->stream, m->list_id}, now);
      });
}

void scheduler::suppression_found(handle h, const spool::message_ptr& m,
                                  const std::optional<suppression::entry>& found) {
  auto& e = entries_[h];
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

void scheduler::suppress_by(std::shared_ptr<const suppression_policies> which) {
  suppression_policies_ = std::move(which);
}

const bounce::suppression_policy& scheduler::suppression_policy_of(account_id who) const {
  static const bounce::suppression_policy usual;
  if (!suppression_policies_) return usual;
  const auto found = suppression_policies_->find(who);
  return found == suppression_policies_->end() ? usual : found->second;
}

std::string scheduler::why_suppressed(const suppression::entry& e) {
  const auto since = std::chrono::system_clock::to_time_t(
      std::chrono::system_clock::time_point(std::chrono::floor<std::chrono::seconds>(e.since.time_since_epoch())));
  const auto list = suppression::list_in(e.scope);
  const auto of = e.scope.empty() ? "" : list.empty() ? " of stream " : " of the mailing list ";
  return fmt::format("The address is on the suppression list{}{} since {:%Y-%m-%d} ({}): nothing was sent to it", of,
                     list.empty() ? e.scope : list, fmt::gmtime(since), e.reason);
}

}  // namespace gonets::scheduler
