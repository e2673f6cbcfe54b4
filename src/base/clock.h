// The only way to learn the time outside of `runtime`, which implements it; simulations and tests pass their own.
#pragma once
#include <chrono>

namespace gonets {

using wall_time = std::chrono::sys_time<std::chrono::milliseconds>;  // for what is stored and shown
using steady_time = std::chrono::steady_clock::time_point;           // for measuring and for time-outs

class clock {
 public:
  virtual ~clock() = default;
  virtual wall_time wall() const = 0;
  virtual steady_time steady() const = 0;
};

}  // namespace gonets
