// For tests of what lives on a shard.
#pragma once
#include <future>
#include <utility>

#include "runtime/shards.h"

namespace gonets::runtime {

// Runs `work` on the shard, waits until it is done, and gives what it gives. Not from that shard.
template <class Work>
auto run_on(shards& on, std::size_t shard, Work work) {
  std::packaged_task<decltype(work())()> wrapped(std::move(work));
  auto answer = wrapped.get_future();
  on.post(shard, [wrapped = std::move(wrapped)]() mutable { wrapped(); });
  return answer.get();
}

}  // namespace gonets::runtime
