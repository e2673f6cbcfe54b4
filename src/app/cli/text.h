// Text for a terminal. Addresses and replies come from strangers: nothing of theirs may steer the terminal.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/text.h"  // parse_time(), of the times that the API writes

namespace gonets::app::cli {

// Control characters, C1 ones included, and bytes that are no UTF-8 become '?'; line breaks become spaces.
std::string printable(std::string_view text);
// The same for text of several lines: line feeds and tabs stay, carriage returns go.
std::string printable_lines(std::string_view text);

// Characters of valid UTF-8; each is taken for one column wide.
std::size_t columns(std::string_view text);
// At most `width` columns; what is cut off is replaced by "…".
std::string cut(std::string_view text, std::size_t width);

std::string full_time(wall_time t);  // "2025-03-01 12:00:00Z"
// In the largest unit that fits, rounded down: "now", "12s ago", "in 12m", "3h ago", "2d ago".
std::string relative_time(wall_time t, wall_time now);

std::string count(std::uint64_t n, std::string_view singular);  // "1 recipient", "2 recipients"

}  // namespace gonets::app::cli
