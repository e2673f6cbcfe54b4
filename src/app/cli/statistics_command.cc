// `gonets stats`: the journal's counts.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

// "97.3", of a hundred; complaints are few, and told from a thousandth on. Empty where the count beside it is.
std::string percent_of(const json::object& row, std::string_view name, int digits) {
  const auto* rate = object_of(row, "rates").if_contains(name);
  if (rate == nullptr || !rate->is_number() || number_of(object_of(row, "counts"), name) == 0) return "";
  return fmt::format("{:.{}f}", rate->to_number<double>() * 100, digits);
}

std::string count_text(const json::object& counts, std::string_view kind) {
  const auto n = number_of(counts, kind);
  return n == 0 ? "" : std::to_string(n);
}

bool any_counted(const json::array& rows, std::string_view kind) {
  return std::ranges::any_of(
      rows, [&](const json::value& row) { return number_of(object_of(as_object(row), "counts"), kind) != 0; });
}

std::string title_of(std::string_view by) {
  std::string title(by);
  for (auto& letter : title)
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  return title;
}

// "2026-11-27 04:00", "2026-11-27"
std::string name_of(std::string_view name, std::string_view by) {
  const auto at = by == "minute" || by == "hour" || by == "day" ? parse_time(name) : std::nullopt;
  if (!at) return name.empty() ? "-" : std::string(name);
  constexpr std::size_t day = 10, minute = 16;
  return full_time(*at).substr(0, by == "day" ? day : minute);
}

void print_statistics(const json::object& o, const context& with) {
  const auto& found = array_of(o, "rows");
  if (found.empty()) {
    with.out << "Nothing happened in that time.\n";
    return;
  }
  std::vector<std::string> by{std::string(text_of(o, "by"))};
  for (const auto& each : array_of(o, "group"))
    if (each.is_string()) by.emplace_back(each.get_string());
  std::vector<column> titles;
  for (const auto& each : by)
    titles.push_back({title_of(each), align::left, true});
  for (const auto* title : {"ACCEPTED", "DELIVERED", "%", "DEFERRED", "BOUNCED", "%", "COMPLAINED", "%", "SUPPRESSED"})
    titles.push_back({title, align::right});
  const bool tracked = any_counted(found, "opened") || any_counted(found, "clicked");
  if (tracked)
    for (const auto* title : {"OPENED", "%", "CLICKED", "%"})
      titles.push_back({title, align::right});
  table rows(std::move(titles));
  for (const auto& each : found) {
    const auto& row = as_object(each);
    const auto& counts = object_of(row, "counts");
    std::vector<cell> cells{name_of(text_of(row, "name"), by.front())};
    for (std::size_t i = 1; i < by.size(); ++i)
      cells.emplace_back(name_of(text_of(object_of(row, "group"), by[i]), by[i]));
    for (auto& text :
         {count_text(counts, "accepted"), count_text(counts, "delivered"), percent_of(row, "delivered", 1),
          count_text(counts, "deferred"), count_text(counts, "bounced"), percent_of(row, "bounced", 1),
          count_text(counts, "complained"), percent_of(row, "complained", 3), count_text(counts, "suppressed")})
      cells.emplace_back(text);
    if (tracked)
      for (const auto* kind : {"opened", "clicked"}) {
        cells.emplace_back(count_text(counts, kind));
        cells.emplace_back(percent_of(row, kind, 1));
      }
    rows.add(std::move(cells));
  }
  with.out << rows.render(with.screen);
  if (const auto all = number_of(o, "rows_in_all"); all > found.size())
    with.out << fmt::format("{} of {} rows; --max shows more\n", found.size(), all);
}

}  // namespace

int statistics(const arguments& given, const context& with) {
  const auto& s = given.statistics;
  target to("/v1/stats");
  to.with("by", s.by)
      .with("group", fmt::format("{}", fmt::join(s.group, ",")))
      .with("since", s.since)
      .with("until", s.until)
      .with("account", given.filter.account)
      .with("max", std::to_string(given.max));
  return ask_and_show(given, with, to.text(), [&](const json::object& o) { print_statistics(o, with); });
}

}  // namespace gonets::app::cli
