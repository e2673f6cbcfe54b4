// When a server says to come back: "try again in 300 seconds", "Greylisted for 5 minutes", "come back in 00:04:59".
#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace gonets::shaping {

// What a peer may ask of us: sooner would be a hammering, later is for the schedule to decide.
inline constexpr std::chrono::milliseconds retry_hint_min = std::chrono::seconds(30);
inline constexpr std::chrono::milliseconds retry_hint_max = std::chrono::hours(6);

// The first time that follows a word such as "in", "after" or "for", within the bounds above. `folded` comes from
// fold(). Nothing where there is none; a number of messages, a size or a date is none. For replies that are known to
// be about waiting: "30 messages in 60 seconds" reads as a minute.
std::optional<std::chrono::milliseconds> retry_hint(std::string_view folded);

}  // namespace gonets::shaping
