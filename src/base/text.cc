#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace gonets {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t size;
};

constexpr std::array<unit, 5> binary_units{
    {{"TiB", 1ull << 40}, {"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}, {"B", 1}}};
constexpr std::array<unit, 5> decimal_units{
    {{"TB", 1'000'000'000'000}, {"GB", 1'000'000'000}, {"MB", 1'000'000}, {"kB", 1000}, {"KB", 1000}}};
constexpr std::array<unit, 5> time_units{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr unit week{"w", 7 * 86'400'000};

constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();

std::optional<std::uint64_t> times(std::uint64_t number, std::uint64_t size) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(number, size, &product) || product > most) return std::nullopt;
  return product;
}

// Takes a whole number off the front.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

void skip_spaces(std::string_view& text) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
}

// Takes the letters at the front: a unit's name.
std::string_view take_word(std::string_view& text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto end = std::find_if_not(text.begin(), text.end(), is_letter);
  const std::string_view word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(word.size());
  return word;
}

const unit* find_unit(std::string_view name, const auto& units) {
  const auto found = std::find_if(units.begin(), units.end(), [&](const unit& u) { return u.name == name; });
  return found == units.end() ? nullptr : &*found;
}

// The number in `text[at, at + length)`; nothing if other characters are there.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t length) {
  if (text.size() < at + length) return std::nullopt;
  int value = 0;
  const auto* first = text.data() + at;
  const auto [stop, error] = std::from_chars(first, first + length, value);
  if (error != std::errc{} || stop != first + length || value < 0) return std::nullopt;
  return value;
}

// "2025-03-01"
std::optional<wall_time> parse_date(std::string_view t) {
  const auto year = digits(t, 0, 4);
  const auto month = digits(t, 5, 2);
  const auto day = digits(t, 8, 2);
  if (t.size() != 10 || t[4] != '-' || t[7] != '-' || !year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return wall_time(std::chrono::sys_days(date));
}

// "12:00:00Z", "12:00:00.000Z"
std::optional<std::chrono::milliseconds> parse_time_of_day(std::string_view t) {
  const bool whole = t.size() == 9;
  if ((!whole && (t.size() != 13 || t[8] != '.')) || t[2] != ':' || t[5] != ':' || t.back() != 'Z') return std::nullopt;
  const auto hour = digits(t, 0, 2);
  const auto minute = digits(t, 3, 2);
  const auto second = digits(t, 6, 2);
  const auto ms = whole ? std::optional(0) : digits(t, 9, 3);
  if (!hour || !minute || !second || !ms || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second) +
         std::chrono::milliseconds(*ms);
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes == 0) return "0B";
  const auto fits =
      std::find_if(binary_units.begin(), binary_units.end(), [&](const unit& u) { return bytes % u.size == 0; });
  return fmt::format("{}{}", bytes / fits->size, fits->name);
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  if (text.empty()) return times(*number, 1);
  skip_spaces(text);
  const unit* in = find_unit(text, binary_units);
  if (in == nullptr) in = find_unit(text, decimal_units);
  return in == nullptr ? std::nullopt : times(*number, in->size);
}

std::string format_duration(std::chrono::milliseconds duration) {
  if (duration.count() == 0) return "0s";
  const bool negative = duration.count() < 0;
  // Negated as unsigned, so that the most negative number is right, too.
  std::uint64_t rest = static_cast<std::uint64_t>(duration.count());
  if (negative) rest = 0 - rest;
  std::string text = negative ? "-" : "";
  for (const unit& u : time_units) {
    if (rest < u.size) continue;
    fmt::format_to(std::back_inserter(text), "{}{}{}", text.size() > negative ? " " : "", rest / u.size, u.name);
    rest %= u.size;
  }
  return text;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::uint64_t total = 0;
  do {
    const auto number = take_number(text);
    const std::string_view name = take_word(text);
    const unit* in = name == week.name ? &week : find_unit(name, time_units);
    if (!number || in == nullptr) return std::nullopt;
    const auto part = times(*number, in->size);
    if (!part || *part > most - total) return std::nullopt;
    total += *part;
    const bool ended = text.empty();
    skip_spaces(text);
    if (text.empty() && !ended) return std::nullopt;  // a blank at the end
  } while (!text.empty());
  return std::chrono::milliseconds(total);
}

std::optional<wall_time> parse_time(std::string_view rfc3339) {
  const auto date = parse_date(rfc3339.substr(0, 10));
  if (!date || rfc3339.size() == 10) return date;
  const auto of_day = rfc3339[10] == 'T' ? parse_time_of_day(rfc3339.substr(11)) : std::nullopt;
  if (!of_day) return std::nullopt;
  return *date + *of_day;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the table of distances between prefixes; the swap looks two rows back.
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > 100) return "";  // no misspelling, and the table grows with the square
  const std::string lower = to_lower(word);
  const std::string* best = nullptr;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(lower, to_lower(candidate));
    if (distance >= least) continue;
    least = distance;
    best = &candidate;
  }
  return best == nullptr ? "" : *best;
}

}  // namespace gonets
