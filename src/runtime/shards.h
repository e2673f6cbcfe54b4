// The threads that do the work: one io_context each ("shard"). What lives on a shard is touched by its thread alone,
// and other threads reach it by post().
#pragma once
#include <cstddef>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "runtime/executor.h"

namespace boost::asio {
class io_context;
}

namespace gonets::runtime {

class wheel;

class system_clock final : public clock {
 public:
  wall_time wall() const override;
  steady_time steady() const override;
};

class shards final : public executor {
 public:
  explicit shards(std::size_t count);
  ~shards() override;  // stops and joins
  shards(const shards&) = delete;
  shards& operator=(const shards&) = delete;

  std::size_t size() const;
  // The shard whose thread is calling; 0 on other threads.
  static std::size_t current();
  void start();
  // Runs what is posted, then ends the threads. Nothing may be posted after it returns.
  void stop();
  void post(std::size_t shard, task work) override;  // from any thread
  // Runs `work` every `period` on the shard, until stop().
  void every(std::size_t shard, std::chrono::milliseconds period, std::move_only_function<void()> work);

  boost::asio::io_context& context(std::size_t shard);
  wheel& timers(std::size_t shard);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

// A few threads for work that blocks (disk reads, SQL, DNS validation); never run on a shard. Bounded: beyond
// `queue_max` waiting tasks, run() refuses.
class blocking_pool final : public background {
 public:
  blocking_pool(std::size_t threads, std::size_t queue_max);
  ~blocking_pool() override;  // finishes what is queued, then joins
  bool run(task work) override;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace gonets::runtime
