#include "shaping/retry_hint.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::size_t digits_max = 7;  // "9999999 hours" fits; more is no time
constexpr std::size_t words_between_max = 3;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

// A whole number off the front; nothing (and `text` as it was) when there is none or it is too long.
std::optional<std::int64_t> take_number(std::string_view& text) {
  const auto stop = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto length = static_cast<std::size_t>(stop - text.begin());
  if (length == 0 || length > digits_max) return std::nullopt;
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + length, number);
  text.remove_prefix(length);
  return number;
}

// The unit that the letters at the front name; nothing for another word.
std::optional<milliseconds> take_unit(std::string_view& text) {
  static constexpr std::array<std::pair<std::string_view, milliseconds>, 19> units{{{"s", 1s},
                                                                                    {"sec", 1s},
                                                                                    {"secs", 1s},
                                                                                    {"second", 1s},
                                                                                    {"seconds", 1s},
                                                                                    {"sekunden", 1s},
                                                                                    {"secondes", 1s},
                                                                                    {"m", 1min},
                                                                                    {"min", 1min},
                                                                                    {"mins", 1min},
                                                                                    {"minute", 1min},
                                                                                    {"minutes", 1min},
                                                                                    {"minuten", 1min},
                                                                                    {"h", 1h},
                                                                                    {"hr", 1h},
                                                                                    {"hrs", 1h},
                                                                                    {"hour", 1h},
                                                                                    {"hours", 1h},
                                                                                    {"stunden", 1h}}};
  const auto stop = std::find_if_not(text.begin(), text.end(), is_letter);
  const std::string_view word = text.substr(0, static_cast<std::size_t>(stop - text.begin()));
  const auto found = std::find_if(units.begin(), units.end(), [&](const auto& u) { return u.first == word; });
  if (found == units.end()) return std::nullopt;
  text.remove_prefix(word.size());
  return found->second;
}

// "00:04:59" or "04:59" after its first number was taken.
std::optional<milliseconds> take_clock(std::int64_t first, std::string_view& text) {
  std::array<std::int64_t, 3> parts{first, 0, 0};
  std::size_t count = 1;
  while (count < parts.size() && text.size() > 1 && text[0] == ':' && is_digit(text[1])) {
    text.remove_prefix(1);
    const auto next = take_number(text);
    if (!next || *next > 59) return std::nullopt;
    parts[count++] = *next;
  }
  if (count == 1) return std::nullopt;
  const auto seconds = count == 2 ? parts[0] * 60 + parts[1] : parts[0] * 3600 + parts[1] * 60 + parts[2];
  return std::chrono::seconds(seconds);
}

// A time at the front: "300 seconds", "4m59s", "00:04:59".
std::optional<milliseconds> take_time(std::string_view text) {
  milliseconds total{};
  bool any = false;
  while (const auto number = take_number(text)) {
    if (!any) {
      if (const auto clock = take_clock(*number, text)) return clock;
    }
    if (text.starts_with(' ') || text.starts_with('-')) text.remove_prefix(1);
    const auto unit = take_unit(text);
    if (!unit) break;
    total += *number * *unit;
    any = true;
    if (text.starts_with(' ')) text.remove_prefix(1);
  }
  return any ? std::optional(total) : std::nullopt;
}

// Whether what stands before a number ends in a word that makes it a time to wait, such as "in" or "for at least".
bool asks_to_wait(std::string_view before) {
  static constexpr std::array<std::string_view, 8> cues{"in", "after", "for", "wait", "within", "retry", "by", "dans"};
  static constexpr std::array<std::string_view, 9> fillers{"about", "approximately", "approx", "around", "at",
                                                           "least", "another",       "the",    "next"};
  for (std::size_t words = 0; words <= words_between_max; ++words) {
    while (!before.empty() && !is_letter(before.back()) && !is_digit(before.back()))
      before.remove_suffix(1);
    std::size_t begin = before.size();
    while (begin > 0 && is_letter(before[begin - 1]))
      --begin;
    const std::string_view word = before.substr(begin);
    if (std::find(cues.begin(), cues.end(), word) != cues.end()) return true;
    if (std::find(fillers.begin(), fillers.end(), word) == fillers.end()) return false;
    before = before.substr(0, begin);
  }
  return false;
}

}  // namespace

std::optional<milliseconds> retry_hint(std::string_view folded) {
  for (std::size_t at = 0; at < folded.size(); ++at) {
    if (!is_digit(folded[at])) continue;
    if (asks_to_wait(folded.substr(0, at))) {
      if (const auto time = take_time(folded.substr(at))) return std::clamp(*time, retry_hint_min, retry_hint_max);
    }
    while (at + 1 < folded.size() && is_digit(folded[at + 1]))
      ++at;
  }
  return std::nullopt;
}

}  // namespace gonets::shaping
