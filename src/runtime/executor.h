// Where work runs, apart from how: the shards and their pool do it with threads, a simulation with none.
#pragma once
#include <cstddef>
#include <functional>

namespace gonets::runtime {

using task = std::move_only_function<void()>;

class executor {
 public:
  virtual ~executor() = default;
  // Tasks posted to one shard by one thread run in order, each after what is running there now.
  virtual void post(std::size_t shard, task work) = 0;
};

// For work that blocks; never run on a shard. False: there is too much of it, and it will not run.
class background {
 public:
  virtual ~background() = default;
  virtual bool run(task work) = 0;
};

}  // namespace gonets::runtime
