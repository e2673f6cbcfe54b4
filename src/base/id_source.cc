#include "base/id_source.h"

#include <algorithm>

namespace gonets {
namespace {

constexpr std::int64_t epoch_ms = 1'577'836'800'000;
constexpr int sequence_bits = 11;
constexpr int node_bits = 8;
constexpr std::uint64_t sequence_max = (1u << sequence_bits) - 1;

}  // namespace

message_id id_source::next(wall_time now) {
  // A clock that has not been set yet must not make ids from the end of time.
  const auto stamp_now =
      static_cast<std::uint64_t>(std::max<std::int64_t>(now.time_since_epoch().count() - epoch_ms, 0));
  auto last = last_.load(std::memory_order_relaxed);
  std::uint64_t id;
  do {
    auto stamp = last >> (sequence_bits + node_bits);
    std::uint64_t sequence = 0;
    if (stamp_now > stamp) {
      stamp = stamp_now;
    } else if ((last & sequence_max) < sequence_max) {
      sequence = (last & sequence_max) + 1;
    } else {
      ++stamp;  // the millisecond is used up, or the clock stepped back: borrow from the future
    }
    id = (stamp << node_bits | node_) << sequence_bits | sequence;
  } while (!last_.compare_exchange_weak(last, id, std::memory_order_relaxed));
  return message_id{id};
}

}  // namespace gonets
