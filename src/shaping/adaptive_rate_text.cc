#include <fmt/format.h>

#include "shaping/adaptive_rate.h"

namespace gonets::shaping {

std::string_view to_text(pace_outcome o) {
  switch (o) {
    case pace_outcome::accepted:
      return "accepted";
    case pace_outcome::unrelated:
      return "unrelated";
    case pace_outcome::throttled:
      return "throttled";
    case pace_outcome::too_many_connections:
      return "too_many_connections";
    case pace_outcome::deferred_other:
      return "deferred_other";
    case pace_outcome::timed_out:
      return "timed_out";
  }
  return "";
}

std::string_view to_text(pace_phase p) {
  switch (p) {
    case pace_phase::starting:
      return "starting";
    case pace_phase::recovering:
      return "recovering";
    case pace_phase::cruising:
      return "cruising";
    case pace_phase::probing:
      return "probing";
    case pace_phase::blocked:
      return "blocked";
    case pace_phase::pinned:
      return "pinned";
  }
  return "";
}

std::string_view to_text(pace_reason r) {
  switch (r) {
    case pace_reason::growing:
      return "growing";
    case pace_reason::throttled:
      return "throttled";
    case pace_reason::too_many_connections:
      return "too_many_connections";
    case pace_reason::deferrals_rising:
      return "deferrals_rising";
    case pace_reason::timed_out:
      return "timed_out";
    case pace_reason::replies_slow:
      return "replies_slow";
    case pace_reason::blocked:
      return "blocked";
    case pace_reason::unblocked:
      return "unblocked";
    case pace_reason::recovered:
      return "recovered";
    case pace_reason::policy:
      return "policy";
    case pace_reason::pinned:
      return "pinned";
    case pace_reason::released:
      return "released";
  }
  return "";
}

std::string rate_text(double messages_a_second) {
  return messages_a_second < 100 ? fmt::format("{:.3g}", messages_a_second) : fmt::format("{:.0f}", messages_a_second);
}

std::string to_text(const rate_change& c) {
  const auto before_rate = c.old_rate == c.new_rate ? std::string() : rate_text(c.old_rate) + " -> ";
  auto text = fmt::format("{}: {}{} messages a second", to_text(c.why), before_rate, rate_text(c.new_rate));
  text += c.old_connections == c.new_connections
              ? fmt::format(", {} connections", c.new_connections)
              : fmt::format(", {} -> {} connections", c.old_connections, c.new_connections);
  const char* before = "; since the last change ";
  for (std::size_t i = 0; i < pace_outcomes; ++i) {
    if (c.counts[i] == 0) continue;
    text += fmt::format("{}{} {}", before, c.counts[i], to_text(pace_outcome(i)));
    before = ", ";
  }
  if (!c.rule.empty()) text += "; rule " + c.rule;
  return text;
}

}  // namespace gonets::shaping
