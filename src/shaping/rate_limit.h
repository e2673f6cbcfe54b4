// "At most N in a window": of a second or minute by GCRA, of an hour or day by a log of what was let through. In no
// window of that length, wherever it begins, are more than N let through.
//
// GCRA with a burst of B and one more every T lets B + W/T through in a window of W: with T = W/N and B = N that is 2N.
// So T is W/(N+1-B) here: what may come at once is taken from what may come steadily, and B + W/T stays below N+1.
// With B = 1 it is N a window, evenly spaced. That is good for short windows, and a few bytes. In a window of a day
// nobody wants to choose between 500 at once and 500 evenly spread: there the log is kept, which allows both. It counts
// by steps of 1/360 of the window, each as if all of it had come at the step's end, so that it errs to the safe side:
// what was let through counts for up to 1/360 longer than the window.
//
// The time is the limit_clock's. Should it go back nevertheless, no time has passed: what counts is shifted with it.
// Windows are half-open, [t, t+W), in whole milliseconds.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace gonets::shaping {

struct rate_bound {
  std::chrono::milliseconds window = std::chrono::seconds(1);  // at most 31 days
  std::uint32_t max = 1;                                       // 0: nothing ever
  std::uint32_t burst = 0;                                     // up to `max`; for windows below log_from; 0: 1 + max/16
  bool operator==(const rate_bound&) const = default;
};

inline constexpr std::chrono::milliseconds log_from = std::chrono::hours(1);
inline constexpr std::chrono::milliseconds window_max = std::chrono::days(31);

namespace detail {

// A leaky bucket used as a meter, which is GCRA's other form. A message fills in `window` units, max+1-burst of them
// leak out each millisecond; integers, so that nothing is rounded.
class paced_limit {
 public:
  explicit paced_limit(const rate_bound& bound);
  bool admit(wall_time now, std::uint32_t n);
  std::optional<wall_time> next(wall_time now, std::uint32_t n) const;
  bool take_back(wall_time then, std::uint32_t n);
  double fullness(wall_time now) const;  // 0 to 1; more after a bound became lower
  void rebound(const rate_bound& bound);
  void put_state(std::string& to) const;
  bool restore(std::string_view state);

 private:
  std::uint64_t debt_at(wall_time now) const;
  std::uint64_t capacity() const { return std::uint64_t(burst_) * window_ms_; }

  wall_time seen_{};
  wall_time admitted_{};
  std::uint64_t debt_ = 0;  // at seen_
  std::uint32_t window_ms_;
  std::uint32_t leak_ = 1;
  std::uint32_t burst_ = 0;
};

class logged_limit {
 public:
  explicit logged_limit(const rate_bound& bound);
  bool admit(wall_time now, std::uint32_t n);
  std::optional<wall_time> next(wall_time now, std::uint32_t n) const;
  bool take_back(wall_time then, std::uint32_t n);
  std::uint32_t used(wall_time now) const;
  void rebound(const rate_bound& bound);
  void put_state(std::string& to) const;
  bool restore(std::string_view state);

 private:
  struct step {
    std::uint32_t number, count;
  };
  std::int64_t own_time(wall_time now) const;
  std::int64_t ends_ms(const step& s) const;  // when it counts no more, in own time
  void advance(wall_time now);
  void add(std::int64_t own_ms, std::uint32_t n);

  std::int64_t window_ms_;
  std::int64_t step_ms_;
  std::uint32_t max_;
  std::uint32_t total_ = 0;
  std::int64_t seen_ms_ = 0;  // wall time; own time is shift_ms_ more, and never goes back
  std::int64_t shift_ms_ = 0;
  std::int64_t ambiguous_until_ms_ = INT64_MIN;  // wall times that came twice: a `then` up to it names no moment
  std::vector<step> steps_;                      // ascending; the first head_ count no more
  std::size_t head_ = 0;
};

}  // namespace detail

class rate_limit {
 public:
  explicit rate_limit(const rate_bound& bound);

  // Lets `n` through, or none of them.
  bool admit(wall_time now, std::uint32_t n = 1);
  // From when admit(n) holds: `now` if it does already; nothing if it never does (n above the burst, or the max).
  std::optional<wall_time> next(wall_time now, std::uint32_t n = 1) const;
  // What was let through at `then` was not used. False: it can't be told apart any more, and stays counted. GCRA keeps
  // no record, and takes back the latest only.
  bool take_back(wall_time then, std::uint32_t n = 1);
  // How much of bound().max is used up; of a second or minute, where nothing is counted, how full the bucket is.
  std::uint32_t used(wall_time now) const;

  const rate_bound& bound() const { return bound_; }
  // Other numbers; what was let through still counts. A bound on the other side of log_from begins anew.
  void rebound(const rate_bound& bound);

  // docs/formats/limits.md. restore() refuses what it can't read, and then changes nothing: better refuse to send than
  // begin anew. What was stored under another bound counts under this one, if it is of the same kind.
  std::string state() const;
  bool restore(std::string_view state);

 private:
  rate_bound bound_;
  detail::paced_limit paced_;
  std::unique_ptr<detail::logged_limit> log_;  // instead of paced_
};

static_assert(sizeof(detail::paced_limit) <= 40 && sizeof(rate_limit) <= 64);

}  // namespace gonets::shaping
