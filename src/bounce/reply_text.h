// Finds the codes in what a server said, where it was written down by others: in a bounce, in a log, on a line by
// itself.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace gonets::bounce {

struct reply_codes {
  std::uint16_t code = 0;  // 0: none
  enhanced_status status;
};

// "550 5.1.1 no such user", "550-5.7.1 joined 550 5.7.1 lines", "smtp; 550 5.1.1 ...", "host said: 452 4.2.2 full (in
// reply to ...)". The first code counts that stands where codes stand; a number within a sentence is none.
reply_codes find_codes(std::string_view text);

}  // namespace gonets::bounce
