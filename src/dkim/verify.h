// Checks the DKIM signatures of a message (RFC 6376 6). Pure: the key records come by a function.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace gonets::dkim {

// The words of RFC 8601 2.7.1.
enum class outcome : std::uint8_t { pass, fail, permerror, temperror };
std::string_view to_text(outcome o);

struct verification {
  outcome result = outcome::permerror;
  std::string reason;  // a sentence; empty with pass
  std::string domain, selector, identity, algorithm;
  bool testing = false;                   // the key's t=y
  std::uint64_t unsigned_body_bytes = 0;  // beyond l=: anybody may have added them
};

enum class lookup_failure : std::uint8_t { not_found, temporary };
// The TXT value at `name`.
using key_lookup = std::function<std::optional<std::string>(const std::string& name, lookup_failure& why)>;

// One for each DKIM-Signature field, in the message's order; at most the first 20.
std::vector<verification> verify(std::string_view message, const key_lookup& look_up, wall_time now);

}  // namespace gonets::dkim
