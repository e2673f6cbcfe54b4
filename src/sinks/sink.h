// Copies the event log to where a writer puts it, on a thread of its own and of low priority that nothing waits for:
// when the disk or the broker fails it tries again from its cursor, and mail goes on.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "accounts/directory.h"
#include "base/clock.h"
#include "config/sink.h"
#include "events/filter.h"
#include "events/follower.h"
#include "metrics/metrics.h"
#include "sinks/writer.h"
#include "storage/store.h"

namespace gonets::sinks {

struct environment {  // all of it must outlive the sinks
  const storage::store& log;
  events::log_end& end;
  const clock& time;
  metrics::registry& counts;
  std::function<accounts::directory_ptr()> accounts;  // from any thread
  std::string folder;                                 // where cursors are kept that have no better place
  std::string server;                                 // its name, for the ids of events
};

class sink {
 public:
  // Starts at once. The configuration has been checked.
  sink(const config::sink& with, environment env);
  ~sink();
  sink(const sink&) = delete;
  sink& operator=(const sink&) = delete;
  void ask_to_stop();  // returns at once
  // Waits until what is on its way is safe, or some seconds: a thread that a broker holds longer is left alone, and
  // then this may be neither destroyed nor what is in `environment` before the process ends.
  void stop();

 private:
  void follow();
  // Whether more waits in the log.
  outcome<bool> advance();
  outcome<void> take(const events::log_batch& batch);
  bool is_of(const events::event& e, std::string_view owner) const;  // of one of accounts_
  void pause(std::chrono::milliseconds how_long);
  void record(const progress& made);
  void failed(const std::string& why);

  // Read by the page of metrics, which may be asked for after this is gone.
  struct gauges {
    std::atomic<std::int64_t> behind_since_ms{0};  // of the first event that is not safe; 0: none
    std::atomic<bool> up{true};
  };
  struct appended {
    event_seq through;
    wall_time first_at{};
  };

  const std::string name_;
  const events::filter which_;
  const std::vector<std::string> accounts_;  // empty: all
  const std::chrono::milliseconds gather_;
  environment env_;
  const std::shared_ptr<gauges> gauges_;
  metrics::counter& written_;
  metrics::counter& lost_;
  std::stop_source stopping_;
  const std::unique_ptr<writer> to_;
  events::follower log_;
  bool open_ = false;
  std::deque<appended> unsafe_;  // batches that have not all been committed
  event_seq safe_;
  std::string why_;  // it failed; empty: it did not
  steady_time committed_{};
  std::chrono::milliseconds retry_after_;
  std::mutex mutex_;
  std::condition_variable_any paused_;
  std::promise<void> ended_;
  std::jthread thread_;  // last: it uses all above
};

}  // namespace gonets::sinks
