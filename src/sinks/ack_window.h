// Which of the events that were sent have been acknowledged, in whatever order that happens. A value.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "base/ids.h"

namespace gonets::sinks {

class ack_window {
 public:
  explicit ack_window(event_seq from = event_seq{0}) : passed_(from) {}

  void sent(event_seq seq, std::size_t bytes);  // seq > passed()
  // False: it is not waited for. O(log n).
  bool acknowledged(event_seq seq);
  void passed(event_seq through);  // what lies up to there and was not sent is not wanted
  void forget();                   // what was sent and is not acknowledged: passed() is safe() then

  event_seq passed() const { return passed_; }
  // Everything up to here has been acknowledged, or is not wanted.
  event_seq safe() const { return waiting_.empty() ? passed_ : event_seq{waiting_.front().seq.value - 1}; }
  bool empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }  // with those acknowledged behind one that is not
  std::size_t bytes() const { return bytes_; }
  std::uint64_t take_count() { return std::exchange(count_, 0); }  // events that became safe since the last time

 private:
  struct entry {
    event_seq seq;
    std::size_t bytes = 0;
    bool done = false;
  };
  std::deque<entry> waiting_;  // by seq; the first is not done
  event_seq passed_;
  std::size_t bytes_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace gonets::sinks
