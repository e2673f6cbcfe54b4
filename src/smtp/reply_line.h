// Replies as they go over the wire (RFC 5321 4.2.1, RFC 2034).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace gonets::smtp {

// A reply whose text lives as long as the program. Costs no allocation.
struct canned_reply {
  std::uint16_t code = 0;
  enhanced_status status;
  std::string_view text;  // one line
};

// Appends the reply, a line for each line of `text` (joined by '\n'), each ended by CRLF. `text` may hold what a peer
// or a user wrote: control characters become '?', and a line is cut so that it stays within RFC 5321's 512 octets.
void append_reply(std::string& to, std::uint16_t code, enhanced_status status, std::string_view text);

}  // namespace gonets::smtp
