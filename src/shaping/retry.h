// When a deferred recipient is tried again, and when it is given up. Pure: the same message and attempt give the same
// time, also after a restart.
#pragma once
#include <chrono>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace gonets::shaping {

// Of a stream.
struct retry_policy {
  std::vector<std::chrono::milliseconds> delays;   // before the 1st, 2nd, ... retry; the last one repeats
  double jitter = 0.10;                            // each delay is multiplied by 1 ± up to this; 0 to 1
  std::chrono::milliseconds expires_after{};       // since acceptance
  std::chrono::milliseconds delay_notice_after{};  // since acceptance: when a "delayed" DSN is due, once

  bool operator==(const retry_policy&) const = default;
};

retry_policy default_retry_policy();  // 1 min, 5 min, 15 min, 30 min, 1 h, 2 h, then every 4 h; 5 days; notice at 4 h
retry_policy bulk_retry_policy();     // the same; 2 days

// The time of the attempt that follows `attempts_made` (at least one). An attempt that would come after expiry is made
// at expiry instead; once that moment is reached, nothing: the recipient expires. So no recipient expires early, and
// each has its last chance at the very end. An empty list of delays leaves the attempt at expiry only.
std::optional<wall_time> next_attempt(const retry_policy& policy, message_id id, unsigned attempts_made,
                                      wall_time accepted, wall_time now);

}  // namespace gonets::shaping
