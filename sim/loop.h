// Virtual time: what would happen on a shard, on the disk and in the network, one thing after the other, on one thread.
// Two runs with the same seed do the same.
#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "runtime/executor.h"

namespace gonets::sim {

using std::chrono::milliseconds;

class loop final : public clock, public runtime::executor, public runtime::background {
 public:
  // Midnight, so that the hours of the day are round.
  static constexpr wall_time start{std::chrono::sys_days(std::chrono::January / 1 / 2026)};

  wall_time wall() const override { return start + now_; }
  steady_time steady() const override { return steady_time(now_); }
  milliseconds now() const { return now_; }

  // Runs after what runs now; there is one shard.
  void post(std::size_t, runtime::task work) override { posted_.push_back(std::move(work)); }
  // The disk takes its time.
  bool run(runtime::task work) override {
    after(disk_, std::move(work));
    return true;
  }
  void after(milliseconds wait, runtime::task work) {
    std::uint32_t slot;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(tasks_.size());
      tasks_.push_back(std::move(work));
    } else {
      slot = free_.back();
      free_.pop_back();
      tasks_[slot] = std::move(work);
    }
    heap_.push_back({(now_ + wait).count(), ++count_, slot});
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>{});
  }

  // Until nothing is left to do before `end`; `each` is called after every step.
  template <class Each>
  void run_until(milliseconds end, Each&& each) {
    for (;;) {
      if (!posted_.empty()) {
        auto work = std::move(posted_.front());
        posted_.pop_front();
        work();
      } else if (!heap_.empty() && heap_.front().at <= end.count()) {
        std::pop_heap(heap_.begin(), heap_.end(), std::greater<>{});
        const auto next = heap_.back();
        heap_.pop_back();
        now_ = milliseconds(next.at);
        auto work = std::move(tasks_[next.slot]);
        free_.push_back(next.slot);
        work();
      } else {
        break;
      }
      each();
    }
    now_ = end;
  }

 private:
  struct item {
    std::int64_t at;
    std::uint64_t number;  // of two at the same time the older comes first
    std::uint32_t slot;
    bool operator>(const item& o) const { return at != o.at ? at > o.at : number > o.number; }
  };

  milliseconds now_{0};
  milliseconds disk_{1};
  std::uint64_t count_ = 0;
  std::vector<item> heap_;
  std::vector<runtime::task> tasks_;
  std::vector<std::uint32_t> free_;
  std::deque<runtime::task> posted_;
};

}  // namespace gonets::sim
