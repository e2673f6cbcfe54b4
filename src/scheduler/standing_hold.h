// A hold that an operator has put on all mail of some kind, also on what is yet to come, until it is released. Values.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace gonets::scheduler {

using hold_id = strong_id<struct hold_id_tag, std::uint32_t>;

// What is given must hold all together; at least one is given.
struct standing_hold {
  hold_id id;  // never given out twice
  std::optional<account_id> account;
  std::string stream;         // its name
  std::string domain;         // the recipients', lower case
  std::string provider;       // its name; by the recipient's domain, else by its site's hosts
  std::string campaign, tag;  // as senders gave them in X-Gonets-Campaign and X-Gonets-Tag
  std::string reason;         // may be empty
  wall_time since{};
  bool operator==(const standing_hold&) const = default;
};
using standing_holds = std::vector<standing_hold>;  // in the order of their ids

// "hold 3: their server is being moved; `gonets hold release 3` lets it go"
std::string to_text(const standing_hold& h);

}  // namespace gonets::scheduler
