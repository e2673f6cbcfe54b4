#include "runtime/shards.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/thread_name.h"
#include "runtime/wheel.h"

namespace gonets::runtime {
namespace asio = boost::asio;

wall_time system_clock::wall() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}
steady_time system_clock::steady() const {
  return std::chrono::steady_clock::now();
}

namespace {

// Re-arms itself; owned by its shard, so that it ends with the io_context.
struct periodic {
  asio::steady_timer timer;
  std::chrono::milliseconds period;
  std::move_only_function<void()> work;

  void arm() {
    timer.expires_after(period);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      work();
      arm();
    });
  }
};

thread_local std::size_t current_shard = 0;

struct shard {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  wheel timers;
  std::vector<std::unique_ptr<periodic>> periodics;
  std::thread thread;
};

}  // namespace

struct shards::impl {
  std::vector<std::unique_ptr<shard>> all;
  bool running = false;
};

shards::shards(std::size_t count) : impl_(std::make_unique<impl>()) {
  for (std::size_t i = 0; i < count; ++i) {
    impl_->all.push_back(std::make_unique<shard>());
    every(i, wheel::tick_length, [timers = &impl_->all[i]->timers] { timers->tick(); });
  }
}

shards::~shards() {
  stop();
}

std::size_t shards::size() const {
  return impl_->all.size();
}

std::size_t shards::current() {
  return current_shard;
}

void shards::start() {
  impl_->running = true;
  for (std::size_t i = 0; i < impl_->all.size(); ++i) {
    auto& s = *impl_->all[i];
    s.thread = std::thread([context = &s.context, i] {
      current_shard = i;
      name_this_thread("shard " + std::to_string(i));
      context->run();
    });
  }
}

void shards::stop() {
  if (!impl_->running) return;
  impl_->running = false;
  for (auto& s : impl_->all) {
    asio::post(s->context, [one = s.get()] {
      for (auto& p : one->periodics)
        p->timer.cancel();
      one->guard.reset();
      one->context.stop();
    });
  }
  for (auto& s : impl_->all)
    s->thread.join();
}

void shards::post(std::size_t index, task work) {
  asio::post(impl_->all[index]->context, std::move(work));
}

void shards::every(std::size_t index, std::chrono::milliseconds period, std::move_only_function<void()> work) {
  auto& s = *impl_->all[index];
  auto added = std::make_unique<periodic>(periodic{asio::steady_timer(s.context), period, std::move(work)});
  if (!impl_->running) {
    added->arm();
    s.periodics.push_back(std::move(added));
    return;
  }
  asio::post(s.context, [&s, one = std::move(added)]() mutable {
    one->arm();
    s.periodics.push_back(std::move(one));
  });
}

asio::io_context& shards::context(std::size_t index) {
  return impl_->all[index]->context;
}
wheel& shards::timers(std::size_t index) {
  return impl_->all[index]->timers;
}

struct blocking_pool::impl {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<task> queue;
  std::size_t queue_max;
  bool stopping = false;
  std::vector<std::thread> threads;

  void work() {
    name_this_thread("pool");
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      auto next = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      next();
      next = nullptr;  // what it owns is destroyed without the lock
      lock.lock();
    }
  }
};

blocking_pool::blocking_pool(std::size_t threads, std::size_t queue_max) : impl_(std::make_unique<impl>()) {
  impl_->queue_max = queue_max;
  for (std::size_t i = 0; i < threads; ++i)
    impl_->threads.emplace_back([p = impl_.get()] { p->work(); });
}

blocking_pool::~blocking_pool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  for (auto& t : impl_->threads)
    t.join();
}

bool blocking_pool::run(task work) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping || impl_->queue.size() >= impl_->queue_max) return false;
    impl_->queue.push_back(std::move(work));
  }
  impl_->wake.notify_one();
  return true;
}

}  // namespace gonets::runtime
