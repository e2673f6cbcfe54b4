// What a webhook is: plain values, as the database holds them (docs/formats/accounts.md). `table` keeps them, `outbox`
// says what is to be sent, `service` sends it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "events/filter.h"

namespace gonets::webhooks {

using webhook_id = strong_id<struct webhook_id_tag, std::uint32_t>;

// active -> paused, by command or by what the receiver did; paused -> active by command alone.
enum class state : std::uint8_t { active, paused };
std::string_view to_text(state s);

// How far a webhook is on this node: each has a log of its own.
struct progress {
  event_seq cursor;           // all up to it was acknowledged, or not wanted
  std::uint32_t epoch = 0;    // rises when a command moves the cursor: what was kept before no longer counts
  wall_time failing_since{};  // zero: the last attempt went well
  bool operator==(const progress&) const = default;
};

struct webhook {
  webhook_id id;
  std::string name;  // unique within its owner; letters, digits, - _ ., no number
  std::string url;
  events::filter wanted;  // its account is the owner; without one it is the operator's
  state is = state::active;
  std::string reason;  // of a pause
  wall_time created{};
  std::string secret, previous_secret;  // "whsec_..."; sealed in the database
  wall_time rotated{};                  // when `previous_secret` was replaced
};

struct row {
  webhook hook;
  std::optional<progress> at;  // of this node; nothing: it was added on another
};

struct rows {
  std::int64_t revision = 0;
  std::vector<row> all;
};

}  // namespace gonets::webhooks
