// How far the event log is safe on the disk. The committer moves it on; readers wait for it without asking the disk.
// What lies beyond it may be taken back by a power cut, and its numbers given out again: nobody outside may be told.
// Safe from any thread.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "base/ids.h"

namespace gonets::events {

class log_end {
 public:
  using listener = std::function<void()>;

  explicit log_end(event_seq at = event_seq{0}) : at_(at.value) {}
  event_seq now() const { return event_seq{at_.load(std::memory_order_acquire)}; }
  void advance(event_seq to);  // one thread alone

  // `tell` runs on the committer's thread after each advance: it must be quick, and must not call back here. Once
  // unsubscribe() has returned, it runs no more.
  std::uint64_t subscribe(listener tell);
  void unsubscribe(std::uint64_t id);

 private:
  std::atomic<std::uint64_t> at_;
  std::mutex mutex_;
  std::map<std::uint64_t, listener> listeners_;
  std::uint64_t last_id_ = 0;
};

}  // namespace gonets::events
