#include "message/utf8.h"

#include <algorithm>
#include <cstdint>

namespace gonets::message {
namespace {

bool is_continuation(std::uint8_t octet) {
  return (octet & 0xC0) == 0x80;
}

// The length of the valid sequence at `text`'s start, 0 if there is none. Table 3-7 of the Unicode standard: only the
// second octet's range depends on the first.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0}; };
  const auto first = at(0);
  const auto second = at(1);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  if (first < 0xE0) return is_continuation(second) ? 2 : 0;
  const std::uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (second < low || second > high || !is_continuation(at(2))) return 0;
  if (first < 0xF0) return 3;
  return is_continuation(at(3)) ? 4 : 0;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (static_cast<std::uint8_t>(c) & 0x80) != 0; });
}

}  // namespace gonets::message
