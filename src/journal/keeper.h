// Keeps the journal up with the event log, on a thread of its own and of low priority that nothing waits for: when its
// database fails it tries again from its cursor, and mail goes on.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "events/follower.h"
#include "journal/recorder.h"
#include "journal/search.h"
#include "journal/upkeep.h"
#include "metrics/metrics.h"
#include "storage/store.h"

namespace gonets::journal {

class keeper {
 public:
  // Starts at once. What it is given must outlive stop().
  keeper(place in, const storage::store& log, events::log_end& end, const clock& time, metrics::registry& counts,
         std::chrono::milliseconds retention, privacy wanted);
  ~keeper();
  keeper(const keeper&) = delete;
  keeper& operator=(const keeper&) = delete;

  void reconfigure(std::chrono::milliseconds retention);  // from any thread
  void stop();
  reader& content() { return reader_; }

 private:
  void follow(const std::stop_token& stopped);
  // Whether more waits in the log.
  storage::sql_result<bool> advance();
  storage::sql_result<void> record(event_seq from, const events::log_batch& batch);
  storage::sql_result<void> settle_in_time();
  void remove_old();
  // Whether there may be more to do at once.
  bool keep_up();
  void pause(const std::stop_token& stopped, std::chrono::milliseconds how_long);

  const place in_;
  events::log_end& end_;
  const clock& time_;
  std::atomic<std::chrono::milliseconds::rep> retention_;
  std::atomic<bool> look_for_old_{true};  // at once
  std::atomic<std::int64_t> lag_ms_{0};   // of the latest batch, while more waited behind it or it could not be written
  std::atomic<bool> failing_{false};
  const std::unique_ptr<recorder> recorder_;
  events::follower log_;
  upkeep upkeep_;
  reader reader_;
  bool opened_ = false;    // log_ stands where the journal does
  bool replaced_ = false;  // the log is another one, and the journal could not yet be told
  std::optional<steady_time> unsettled_since_;
  std::size_t latest_batch_ = 0;  // of events
  steady_time looked_for_old_{}, kept_up_{};
  bool upkeep_failing_ = false;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  std::jthread thread_;  // last: it uses all above
};

}  // namespace gonets::journal
