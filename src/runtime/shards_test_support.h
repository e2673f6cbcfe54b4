// For tests of what lives on a shard.
#pragma once
#include <future>
#include <utility>

#include "runtime/shards.h"

namespace gonets::runtime {

// Runs `work` on the shard, waits until it is done, and gives what it gives. Not from that shard.
template <class Work>
auto run_on(shards& on, std::size_t shard, Work work) {
  std::packaged_task<decltype(work())()> task(std::move(work));
  auto answer = task.get_future();
  on.post(shard, [task = std::move(task)]() mutable { task(); });
  return answer.get();
}

}  // namespace gonets::runtime
