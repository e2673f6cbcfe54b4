// The time that limits are reckoned in: as the wall clock said at the start, then as fast as real time goes by. A wall
// clock that is set forward opens no window early, one that is set back closes none for longer.
//
// Over a restart the wall clock alone can tell how much time went by. One that went back meanwhile is not believed:
// give the latest time that was stored with a limit's state as `not_before`. One that was set ahead while nobody looked
// cannot be told from a long rest.
#pragma once
#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace gonets::shaping {

class limit_clock {
 public:
  explicit limit_clock(const clock& time, wall_time not_before = {})
      : time_(&time), start_(std::max(time.wall(), not_before)), steady_start_(time.steady()) {}

  wall_time now() const {
    return start_ + std::chrono::duration_cast<std::chrono::milliseconds>(time_->steady() - steady_start_);
  }
  // What the wall clock will say then, for people to read.
  wall_time shown(wall_time then) const { return time_->wall() + (then - now()); }

 private:
  const clock* time_;
  wall_time start_;
  steady_time steady_start_;
};

}  // namespace gonets::shaping
