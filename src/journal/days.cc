#include "journal/days.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <optional>

namespace gonets::journal {
namespace {

std::optional<std::chrono::sys_days> day_of(std::string_view name) {
  int year = 0;
  unsigned month = 0, day = 0;
  constexpr std::string_view pattern = "journal-2026-11-27.db";
  if (name.size() != pattern.size() || !name.starts_with("journal-") || !name.ends_with(".db")) return std::nullopt;
  const auto read = [&](std::size_t from, std::size_t digits, auto& to) {
    const auto* end = name.data() + from + digits;
    return std::from_chars(name.data() + from, end, to).ptr == end;
  };
  if (!read(8, 4, year) || !read(13, 2, month) || !read(16, 2, day)) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

}  // namespace

std::chrono::sys_days day_of(message_id id) {
  const wall_time at{std::chrono::milliseconds(accepted_at_ms(id))};
  return std::chrono::floor<std::chrono::days>(at);
}

std::string file_of(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("journal-{:04}-{:02}-{:02}.db", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::vector<day_file> files_in(const std::string& folder) {
  std::vector<day_file> found;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    auto name = at->path().filename().string();
    if (const auto day = day_of(name)) found.push_back({*day, std::move(name)});
  }
  std::ranges::sort(found, std::greater(), &day_file::day);
  return found;
}

}  // namespace gonets::journal
