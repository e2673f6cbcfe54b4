// Quotas: how much may be sent in a minute, hour, day or month of the calendar (UTC). Pure arithmetic over counters;
// whose counters they are, and keeping them, is `spool`'s.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace gonets::shaping {

// The numbers are stored: never reuse one.
enum class quota_window : std::uint8_t { minute = 0, hour = 1, day = 2, month = 3 };
enum class quota_measure : std::uint8_t { messages = 0, recipients = 1, bytes = 2 };
inline constexpr std::size_t quota_windows = 4;
inline constexpr std::size_t quota_measures = 3;

std::string_view to_text(quota_window w);   // "hour"
std::string_view to_text(quota_measure m);  // "recipients"
std::optional<quota_window> parse_quota_window(std::string_view text);
std::optional<quota_measure> parse_quota_measure(std::string_view text);

struct quota {
  quota_window window = quota_window::month;
  quota_measure measure = quota_measure::recipients;
  std::uint64_t max = 0;
  std::string stream;  // empty: all streams together
  bool operator==(const quota&) const = default;
};

// What one message costs, by measure.
using quota_charge = std::array<std::uint64_t, quota_measures>;

wall_time window_start(quota_window w, wall_time at);
wall_time window_end(quota_window w, wall_time at);  // the start of the next one

// What was used, in the latest window of each kind that something was used in.
class quota_counter {
 public:
  struct window {
    wall_time start{};
    quota_charge used{};
    bool operator==(const window&) const = default;
  };

  void add(const quota_charge& charge, wall_time now);
  // Takes back what add() counted at `then`; what has gone by with its window is left alone.
  void take_back(const quota_charge& charge, wall_time then);
  // A clock that went back doesn't open a window anew: the later one goes on.
  std::uint64_t used(quota_window w, quota_measure m, wall_time now) const;

  const std::array<window, quota_windows>& windows() const { return windows_; }
  void restore(const std::array<window, quota_windows>& stored) { windows_ = stored; }
  bool operator==(const quota_counter&) const = default;

 private:
  std::array<window, quota_windows> windows_{};
};

struct quota_excess {
  quota which;
  std::uint64_t used = 0;
  wall_time resets{};
};

// The quota that stands in the way of `charge` for longest; nothing: it fits in all. `whole` counts all streams
// together, `of_stream` those of the message's; a quota of another stream is not looked at.
std::optional<quota_excess> find_excess(const std::vector<quota>& quotas, const quota_counter& whole,
                                        const quota_counter& of_stream, std::string_view stream,
                                        const quota_charge& charge, wall_time now);

// "over the quota of 100 recipients an hour; it resets at 2026-01-31T15:00:00Z"
std::string to_text(const quota_excess& e);

}  // namespace gonets::shaping
