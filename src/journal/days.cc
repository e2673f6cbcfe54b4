#include "journal/days.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>

namespace gonets::journal {

std::chrono::sys_days day_of(message_id id) {
  const wall_time at{std::chrono::milliseconds(accepted_at_ms(id))};
  return std::chrono::floor<std::chrono::days>(at);
}

std::string file_of(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  return fmt::format("journal-{:04}-{:02}-{:02}.db", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::vector<std::string> files_in(const std::string& folder) {
  constexpr std::size_t name_bytes = std::string_view("journal-2026-11-27.db").size();
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    auto name = at->path().filename().string();
    if (name.size() == name_bytes && name.starts_with("journal-") && name.ends_with(".db"))
      found.push_back(std::move(name));
  }
  std::ranges::sort(found, std::greater());
  return found;
}

}  // namespace gonets::journal
