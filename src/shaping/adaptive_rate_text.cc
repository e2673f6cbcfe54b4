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

}  // namespace gonets::shaping
