// The health of one destination site: whether connections to it may be opened, and when again after it could not be
// reached. A pure state machine; lives on the shard that owns the site.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace gonets::shaping {

// ready -> suspended      no host of the site could be reached
// suspended -> probing    its time came, and one connection was let through
// probing -> suspended    that failed too (longer), or came to nothing (no longer)
// any -> ready            a host answered
// Any other move would let a second probe through, or strand the site's queue.
enum class site_state : std::uint8_t { ready, suspended, probing };
std::string_view to_text(site_state s);

class site_backoff {
 public:
  // The first suspension lasts `base`, each further one in a row twice as long, up to `max`.
  explicit site_backoff(std::chrono::milliseconds base = std::chrono::seconds(30),
                        std::chrono::milliseconds max = std::chrono::minutes(15))
      : base_(base), max_(std::max(base, max)) {}

  // Whether a connection may be opened now. In `suspended`, once the time has come, true exactly once: the caller is
  // then the probe, and must report with one of the three calls below.
  bool admit(wall_time now);

  // All hosts of the site failed at connecting or greeting. While suspended this changes nothing: connections that
  // were begun together and fail together are one failure.
  void connect_failed(wall_time now, std::string_view reason);
  // A host greeted us well. Also believed of a connection begun before the suspension.
  void succeeded();
  // The probe ended without learning anything (its mail was cancelled): another may follow at once.
  void probe_abandoned(wall_time now);

  site_state state() const { return state_; }
  // When admit() will be true: `now` when ready; nothing while a probe is under way.
  std::optional<wall_time> next_ready(wall_time now) const;
  // Why the site is not ready; "" when it is.
  std::string_view reason() const { return reason_; }
  unsigned failures_in_a_row() const { return failures_; }

 private:
  std::chrono::milliseconds suspension() const;

  std::chrono::milliseconds base_;
  std::chrono::milliseconds max_;
  wall_time ready_at_{};
  std::string reason_;
  unsigned failures_ = 0;
  site_state state_ = site_state::ready;
};

}  // namespace gonets::shaping
