#include "smtp/schedule.h"

#include <charconv>
#include <cstdint>

namespace gonets::smtp {
namespace {

constexpr std::size_t seconds_digits_max = 9;

std::optional<std::int64_t> digits(std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() < least || text.size() > most) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

bool is_fraction(std::string_view text) {
  return text.empty() || (text.front() == '.' && digits(text.substr(1), 1, seconds_digits_max));
}

}  // namespace

std::optional<wall_time> parse_utc_time(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00T00:00:00";
  if (text.size() <= shape.size() || text.back() != 'Z') return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != '0' && text[i] != shape[i]) return std::nullopt;
  }
  const auto part = [&](std::size_t at, std::size_t size) { return digits(text.substr(at, size), size, size); };
  const auto year = part(0, 4), month = part(5, 2), day = part(8, 2);
  const auto hour = part(11, 2), minute = part(14, 2), second = part(17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  text.remove_suffix(1);
  if (!is_fraction(text.substr(shape.size()))) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;  // 60: a leap second
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

bool parse_hold_for(std::string_view value, mail_schedule& to) {
  const auto seconds = digits(value, 1, seconds_digits_max);
  if (!seconds || *seconds == 0) return false;
  to.hold_for = std::chrono::seconds(*seconds);
  return true;
}

bool parse_by(std::string_view value, mail_schedule& to) {
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos) return false;
  auto time = value.substr(0, semicolon);
  auto mode = value.substr(semicolon + 1);
  const bool negative = time.starts_with('-');
  if (negative || time.starts_with('+')) time.remove_prefix(1);
  const auto seconds = digits(time, 1, seconds_digits_max);
  if (!seconds || mode.empty()) return false;
  const char how = mode.front();
  to.by_return = how == 'R' || how == 'r';
  if (!to.by_return && how != 'N' && how != 'n') return false;
  mode.remove_prefix(1);
  to.by_trace = mode == "T" || mode == "t";
  if (!mode.empty() && !to.by_trace) return false;
  to.by = std::chrono::seconds(negative ? -*seconds : *seconds);
  return !to.by_return || to.by->count() > 0;
}

}  // namespace gonets::smtp
