#include "shaping/forecast.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace gonets::shaping {
namespace {

std::uint64_t load_of(const forecast_site& s) {
  return s.recipients + s.ahead;
}

}  // namespace

rate_cap cap_of(std::string what, std::uint32_t used, std::uint32_t max, unsigned window_s) {
  constexpr unsigned counted_from_s = 3600;
  const auto unused = window_s >= counted_from_s ? max - std::min(used, max) : 0;
  return {std::move(what), double(max) / window_s, unused};
}

std::vector<forecast_line> forecast(const std::vector<forecast_site>& sites) {
  std::unordered_map<std::string_view, std::uint64_t> shared;
  for (const auto& s : sites) {
    for (const auto& c : s.caps)
      shared[c.what] += load_of(s);
  }
  std::vector<forecast_line> lines;
  for (const auto& s : sites) {
    forecast_line line{0.0, {}};
    const auto bound = [&line](std::optional<double> seconds, const std::string& why) {
      if (!line.seconds || (seconds && *seconds <= *line.seconds)) return;
      line = {seconds, why};
    };
    if (s.pace > 0) bound(double(load_of(s)) / s.pace, s.pace_why);
    for (const auto& c : s.caps) {
      const auto all = shared[c.what];
      const auto left = double(all - std::min(all, c.unused));
      if (c.a_second > 0) {
        bound(left / c.a_second, c.what);
      } else if (left > 0) {
        bound(std::nullopt, c.what);
      }
    }
    if (line.seconds && s.starts_in > 0) {
      if (s.starts_in > *line.seconds) line.bound_by = s.starts_why;
      *line.seconds += s.starts_in;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::optional<forecast_end> end_of(const std::vector<forecast_line>& lines) {
  if (lines.empty()) return std::nullopt;
  const auto last = std::ranges::max_element(lines, [](const auto& a, const auto& b) {
    if (!a.seconds || !b.seconds) return a.seconds.has_value() && !b.seconds;
    return *a.seconds < *b.seconds;
  });
  return forecast_end{static_cast<std::size_t>(last - lines.begin()), *last};
}

std::vector<forecast_site> without(std::vector<forecast_site> sites, const forecast_end& of) {
  auto& last = sites[of.site];
  const auto& why = of.line.bound_by;
  if (why == last.pace_why) last.pace = 0;
  if (why == last.starts_why) last.starts_in = 0;
  for (auto& s : sites)
    std::erase_if(s.caps, [&](const rate_cap& c) { return c.what == why; });
  return sites;
}

}  // namespace gonets::shaping
