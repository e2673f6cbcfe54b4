#include "sinks/ack_window.h"

#include <algorithm>

namespace gonets::sinks {

void ack_window::sent(event_seq seq, std::size_t bytes) {
  waiting_.push_back({seq, bytes});
  bytes_ += bytes;
  passed_ = seq;
}

bool ack_window::acknowledged(event_seq seq) {
  const auto found = std::ranges::lower_bound(waiting_, seq, {}, &entry::seq);
  if (found == waiting_.end() || found->seq != seq || found->done) return false;
  found->done = true;
  for (; !waiting_.empty() && waiting_.front().done; waiting_.pop_front()) {
    bytes_ -= waiting_.front().bytes;
    ++count_;
  }
  return true;
}

void ack_window::passed(event_seq through) {
  passed_ = std::max(passed_, through);
}

void ack_window::forget() {
  passed_ = safe();
  waiting_.clear();
  bytes_ = 0;
}

}  // namespace gonets::sinks
