// Small text helpers that several folders share: sizes, durations and spelling. Pure.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace gonets {

// For maps with std::string keys and std::equal_to<>: look-ups by a view make no string.
struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

std::string to_lower(std::string_view text);  // ASCII letters only

// "50MiB", "1000B", "0B": exact, in the largest binary unit that divides the number.
std::string format_bytes(std::uint64_t bytes);
// "50MiB", "1 GiB", "10MB" (decimal), "512B", "512". Nothing for other text, and for what 63 bits don't hold: TOML's
// and SQL's integers end there.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

// "2h 5m", "500ms", "0s": exact; negative ones begin with '-'. Days are the largest unit: weeks and months read worse.
std::string format_duration(std::chrono::milliseconds duration);
// One or more parts, each a whole number and ms, s, m, h, d or w: "5m", "2h 5m", "1d12h". Nothing for other text, and
// for what 63 bits of milliseconds don't hold.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// "2025-03-01T12:00:00.000Z", as the API writes it; without a fraction, or the date alone, of which it is the beginning
// in UTC. Nothing for other text.
std::optional<wall_time> parse_time(std::string_view rfc3339);

// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);
// The candidate that `word` is most likely a misspelling of, ignoring case; "" when none is near enough.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace gonets
