#include "journal/keeper.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread_name.h"

namespace gonets::journal {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t batch_max = 16'000;
constexpr std::chrono::milliseconds idle = 1min;  // events end it
// So that a trickle of events is not a transaction each, and that a page of the index gets several of a stream's
// entries.
constexpr std::chrono::milliseconds gathering = 250ms, gathering_many = 1s;
constexpr std::size_t many = 1000;
constexpr std::chrono::milliseconds unsettled_max = 5s;
constexpr std::chrono::milliseconds retry_after = 1s;
constexpr std::chrono::milliseconds old_files_period = 1min;
constexpr std::chrono::milliseconds upkeep_at_least = 1s;  // a step
constexpr std::chrono::milliseconds between_steps = 20ms;
constexpr int niceness = 10;

}  // namespace

keeper::keeper(place in, const storage::store& log, events::log_end& end, const clock& time, metrics::registry& counts,
               std::chrono::milliseconds retention, privacy wanted)
    : in_(std::move(in)),
      end_(end),
      time_(time),
      retention_(retention.count()),
      recorder_(make_recorder(in_, wanted)),
      log_(log, end, event_seq{0}),
      upkeep_(in_, wanted),
      reader_(in_, std::move(wanted)) {
  counts.make_callback_gauge("gonets_journal_lag_seconds", "How far the journal is behind the event log.",
                             [this] { return double(lag_ms_.load()) / 1000; });
  counts.make_callback_gauge("gonets_journal_up", "1 while the journal can be written, else 0.",
                             [this] { return failing_.load() ? 0.0 : 1.0; });
  thread_ = std::jthread([this](const std::stop_token& stopped) { follow(stopped); });
}

keeper::~keeper() {
  stop();
}

void keeper::reconfigure(std::chrono::milliseconds retention) {
  if (retention_.exchange(retention.count()) == retention.count()) return;
  look_for_old_.store(true);
  log_.wake();
}

void keeper::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  log_.wake();
  thread_.join();
}

void keeper::pause(const std::stop_token& stopped, std::chrono::milliseconds how_long) {
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, stopped, how_long, [] { return false; });
}

void keeper::follow(const std::stop_token& stopped) {
  name_this_thread("journal");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
  while (!stopped.stop_requested()) {
    remove_old();
    if (const auto more = advance(); !more) {
      if (!failing_.exchange(true))
        GONETS_LOG(error, "journal_failed", "error", more.error().detail, "effect",
                   "mail goes on; the journal catches up when it can be written again");
      pause(stopped, retry_after);
    } else {
      if (failing_.exchange(false)) GONETS_LOG(info, "journal_written_again");
      // What came since goes first; but a log that never ends keeps no step of it back for ever.
      if (*more && time_.steady() - kept_up_ < upkeep_at_least) continue;
      const bool busy = keep_up();
      if (*more) continue;
      log_.wait(busy ? between_steps : unsettled_since_ ? unsettled_max : idle);
      if (!busy) pause(stopped, latest_batch_ >= many ? gathering_many : gathering);
    }
  }
  if (!opened_) return;
  if (const auto settled = recorder_->settle(); !settled)
    GONETS_LOG(warning, "journal_not_settled", "error", settled.error().detail, "effect",
               "the latest events are read from the log again");
}

storage::sql_result<bool> keeper::advance() {
  if (!opened_) {
    const auto read = recorder_->cursor();
    if (!read) return std::unexpected(read.error());
    log_.move_to(*read);
    opened_ = true;
  }
  const auto from = log_.cursor();
  if (auto done = settle_in_time(); !done) return std::unexpected(std::move(done.error()));
  auto batch = log_.next(batch_max);
  if (!batch)
    return std::unexpected(storage::sql_error{storage::sql_failure::unavailable, "event log: " + batch.error().detail});
  if (batch->empty()) {
    lag_ms_.store(0);
    return false;
  }
  if (!batch->events.empty()) lag_ms_.store((time_.wall() - batch->events.front().at).count());
  auto done = record(from, *batch);
  if (!done) {
    log_.move_to(replaced_ ? event_seq{0} : from);
    return std::unexpected(std::move(done.error()));
  }
  if (!unsettled_since_) unsettled_since_ = time_.steady();
  latest_batch_ = batch->events.size();
  const bool more = batch->cursor < end_.now();
  if (!more) lag_ms_.store(0);
  return more;
}

storage::sql_result<void> keeper::settle_in_time() {
  if (!unsettled_since_ || time_.steady() - *unsettled_since_ < unsettled_max) return {};
  const auto done = recorder_->settle();
  if (!done) return std::unexpected(done.error());
  if (*done) unsettled_since_.reset();
  return {};
}

storage::sql_result<void> keeper::record(event_seq from, const events::log_batch& batch) {
  replaced_ = replaced_ || batch.log_replaced;
  if (replaced_) {
    GONETS_LOG(warning, "journal_log_replaced", "cursor", from.value, "effect",
               "the event log is another one; it is read from its beginning, what the journal has stays");
    if (auto done = recorder_->start_over(end_.now()); !done) return done;
    replaced_ = false;
  }
  // What was gone before the journal began is no gap in it.
  const auto missed = from.value == 0 ? 0 : batch.lost;
  if (auto done = recorder_->apply(batch.events, batch.cursor, missed); !done) return done;
  if (missed != 0)
    GONETS_LOG(warning, "journal_gap", "events", missed, "reason", "the event log's retention had removed them");
  return {};
}

void keeper::remove_old() {
  const auto now = time_.steady();
  if (!look_for_old_.exchange(false) && now - looked_for_old_ < old_files_period) return;
  looked_for_old_ = now;
  const auto oldest =
      std::chrono::floor<std::chrono::days>(time_.wall() - std::chrono::milliseconds(retention_.load()));
  if (const auto removed = recorder_->remove_before(oldest); removed != 0)
    GONETS_LOG(info, "journal_days_removed", "days", removed);
}

bool keeper::keep_up() {
  kept_up_ = time_.steady();
  const auto done = upkeep_.step(time_.wall());
  const bool failed = !done.has_value();
  if (failed != upkeep_failing_) {
    upkeep_failing_ = failed;
    if (failed)
      GONETS_LOG(warning, "journal_upkeep_failed", "error", done.error().detail, "effect",
                 "addresses that should be hashed by now stay; searches are slower; it is tried again");
    else
      GONETS_LOG(info, "journal_upkeep_goes_on");
  }
  return done && *done;
}

}  // namespace gonets::journal
