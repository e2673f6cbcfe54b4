// Copies the event log into files, on a thread of its own and of low priority that nothing waits for: when the disk
// fails it tries again from its cursor, and mail goes on.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "accounts/directory.h"
#include "base/clock.h"
#include "config/sink.h"
#include "events/filter.h"
#include "events/follower.h"
#include "metrics/metrics.h"
#include "sinks/jsonl_files.h"
#include "storage/store.h"

namespace gonets::sinks {

struct environment {  // all of it must outlive the sinks
  const storage::store& log;
  events::log_end& end;
  const clock& time;
  metrics::registry& counts;
  std::function<accounts::directory_ptr()> accounts;  // from any thread
};

class sink {
 public:
  // Starts at once. The configuration has been checked.
  sink(const config::sink& with, environment env);
  ~sink();
  sink(const sink&) = delete;
  sink& operator=(const sink&) = delete;
  void stop();  // commits what is written

 private:
  void follow(const std::stop_token& stopped);
  // Whether more waits in the log.
  outcome<bool> advance();
  outcome<void> take(const events::log_batch& batch);
  void pause(const std::stop_token& stopped, std::chrono::milliseconds how_long);
  void failed(const std::string& why);

  // Read by the page of metrics, which may be asked for after this is gone.
  struct gauges {
    std::atomic<std::int64_t> behind_since_ms{0};  // of the first event that is not committed; 0: none
    std::atomic<bool> up{true};
  };

  const std::string name_;
  const events::filter which_;
  environment env_;
  const std::shared_ptr<gauges> gauges_;
  metrics::counter& written_;
  metrics::counter& lost_;
  jsonl_files files_;
  events::follower log_;
  bool open_ = false;
  steady_time committed_{};
  std::chrono::milliseconds retry_after_;
  std::mutex mutex_;
  std::condition_variable_any paused_;
  std::jthread thread_;  // last: it uses all above
};

}  // namespace gonets::sinks
