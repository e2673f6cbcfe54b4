// Issues message ids. Safe from any thread. Ids ascend and never repeat on a node, also when the wall clock steps
// back, provided that `start_after` is at least the highest id that this node issued before.
#pragma once
#include <atomic>

#include "base/clock.h"
#include "base/ids.h"

namespace gonets {

class id_source {
 public:
  // `node` tells apart the servers of one installation.
  id_source(std::uint8_t node, message_id start_after) : node_(node), last_(start_after.value) {}
  message_id next(wall_time now);

 private:
  const std::uint8_t node_;
  std::atomic<std::uint64_t> last_;
};

}  // namespace gonets
