#include "shaping/quota.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace gonets::shaping {
namespace {

constexpr std::array<std::string_view, quota_windows> window_names{"minute", "hour", "day", "month"};
constexpr std::array<std::string_view, quota_measures> measure_names{"messages", "recipients", "bytes"};

template <class Enum, std::size_t Count>
std::optional<Enum> parse(const std::array<std::string_view, Count>& names, std::string_view text) {
  const auto at = std::ranges::find(names, text);
  if (at == names.end()) return std::nullopt;
  return static_cast<Enum>(at - names.begin());
}

}  // namespace

std::string_view to_text(quota_window w) {
  return window_names[static_cast<std::size_t>(w)];
}
std::string_view to_text(quota_measure m) {
  return measure_names[static_cast<std::size_t>(m)];
}
std::optional<quota_window> parse_quota_window(std::string_view text) {
  return parse<quota_window>(window_names, text);
}
std::optional<quota_measure> parse_quota_measure(std::string_view text) {
  return parse<quota_measure>(measure_names, text);
}

wall_time window_start(quota_window w, wall_time at) {
  using namespace std::chrono;
  switch (w) {
    case quota_window::minute:
      return floor<minutes>(at);
    case quota_window::hour:
      return floor<hours>(at);
    case quota_window::day:
      return floor<days>(at);
    case quota_window::month:
      break;
  }
  const year_month_day date{floor<days>(at)};
  return sys_days{date.year() / date.month() / day{1}};
}

wall_time window_end(quota_window w, wall_time at) {
  using namespace std::chrono;
  const auto start = window_start(w, at);
  switch (w) {
    case quota_window::minute:
      return start + minutes{1};
    case quota_window::hour:
      return start + hours{1};
    case quota_window::day:
      return start + days{1};
    case quota_window::month:
      break;
  }
  const year_month_day first{floor<days>(start)};
  return sys_days{(first.year() / first.month() + months{1}) / day{1}};
}

void quota_counter::add(const quota_charge& charge, wall_time now) {
  for (std::size_t w = 0; w < quota_windows; ++w) {
    const auto start = window_start(static_cast<quota_window>(w), now);
    if (start > windows_[w].start) windows_[w] = {start, {}};
    for (std::size_t m = 0; m < quota_measures; ++m)
      windows_[w].used[m] += charge[m];
  }
}

void quota_counter::take_back(const quota_charge& charge, wall_time then) {
  for (std::size_t w = 0; w < quota_windows; ++w) {
    if (window_start(static_cast<quota_window>(w), then) < windows_[w].start) continue;
    for (std::size_t m = 0; m < quota_measures; ++m)
      windows_[w].used[m] -= std::min(charge[m], windows_[w].used[m]);
  }
}

std::uint64_t quota_counter::used(quota_window w, quota_measure m, wall_time now) const {
  const auto& known = windows_[static_cast<std::size_t>(w)];
  if (window_start(w, now) > known.start) return 0;
  return known.used[static_cast<std::size_t>(m)];
}

std::optional<quota_excess> find_excess(const std::vector<quota>& quotas, const quota_counter& whole,
                                        const quota_counter& of_stream, std::string_view stream,
                                        const quota_charge& charge, wall_time now) {
  std::optional<quota_excess> worst;
  for (const auto& q : quotas) {
    if (!q.stream.empty() && q.stream != stream) continue;
    const auto wanted = charge[static_cast<std::size_t>(q.measure)];
    const auto used = (q.stream.empty() ? whole : of_stream).used(q.window, q.measure, now);
    if (wanted == 0 || (used < q.max && wanted <= q.max - used)) continue;
    const auto resets = window_end(q.window, now);
    if (!worst || resets > worst->resets) worst = {q, used, resets};
  }
  return worst;
}

std::string to_text(const quota_excess& e) {
  const bool vowel = e.which.window == quota_window::hour;
  return fmt::format("over the quota of {} {} {} {}{}; it resets at {:%FT%TZ}", e.which.max, to_text(e.which.measure),
                     vowel ? "an" : "a", to_text(e.which.window),
                     e.which.stream.empty() ? "" : " in stream " + e.which.stream,
                     std::chrono::floor<std::chrono::seconds>(e.resets));
}

}  // namespace gonets::shaping
