// When a message may go, and until when, as MAIL asks for it: FUTURERELEASE (RFC 4865) and DELIVERBY (RFC 2852). Pure.
#pragma once
#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace gonets::smtp {

struct mail_schedule {
  std::chrono::seconds hold_for{0};        // HOLDFOR; 0: not given
  std::optional<wall_time> hold_until;     // HOLDUNTIL; not together with hold_for
  std::optional<std::chrono::seconds> by;  // BY, from now on; below 1 only without `by_return`
  bool by_return = false;                  // BY's mode: return it when the time is over (R), or tell of the delay (N)
  bool by_trace = false;                   // T behind the mode
  bool operator==(const mail_schedule&) const = default;
};

// "2026-11-26T16:00:00Z"; a fraction of a second may stand in it, and doesn't count.
std::optional<wall_time> parse_utc_time(std::string_view text);
// The values of HOLDFOR (1 to 999999999) and BY ("120;R", "-5;N", "60;NT"); false: malformed.
bool parse_hold_for(std::string_view value, mail_schedule& to);
bool parse_by(std::string_view value, mail_schedule& to);

}  // namespace gonets::smtp
