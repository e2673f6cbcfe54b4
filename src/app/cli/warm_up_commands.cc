// `gonets warm-up`: how far egresses are made known to providers.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

bool is_warming(const json::object& o) {
  return text_of(o, "state") == "warming";
}

constexpr std::size_t plan_columns = 9;

// "4 of 30"
std::string day_of(const json::object& o) {
  return fmt::format("{} of {}", number_of(o, "day"), number_of(o, "days"));
}

void print_warm_ups(const json::object& o, const context& with) {
  const auto& all = array_of(o, "warm_ups");
  if (all.empty()) {
    with.out << "No egress is being warmed up: there is no [[warm_up]], or nothing was sent by its egress yet.\n";
    return;
  }
  table rows({{"EGRESS"},
              {"PROVIDER"},
              {"DAY", align::right},
              {"CAP", align::right},
              {"ACCEPTED", align::right},
              {"DEFERRED", align::right},
              {"COMPLAINTS", align::right},
              {"SINCE", align::right},
              {"NOTE", align::left, true}});
  for (const auto& each : all) {
    const auto& w = as_object(each);
    std::vector<cell> row{std::string(text_of(w, "egress")), std::string(text_of(w, "provider"))};
    if (is_warming(w)) {
      row.emplace_back(day_of(w));
      for (const auto* number : {"cap", "accepted", "deferred", "complained"})
        row.emplace_back(std::to_string(number_of(w, number)));
      row.emplace_back(relative_of(w, "since", with.now()));
      row.emplace_back(w.at("fell_back").as_bool() ? "fell back" : "", colour::yellow);
    } else {
      row.emplace_back("warm");
      row.resize(plan_columns, cell(""));
    }
    rows.add(std::move(row));
  }
  with.out << rows.render(with.screen);
}

}  // namespace

int warm_up_list(const arguments& given, const context& with) {
  return ask_and_show(given, with, "/v1/warm-ups", [&](const json::object& o) { print_warm_ups(o, with); });
}

int warm_up_set(const arguments& given, const context& with) {
  json::object body{{"egress", given.warm_up.egress}, {"provider", given.warm_up.provider}};
  if (given.warm_up.day) body["day"] = *given.warm_up.day;
  if (given.warm_up.warm) body["warm"] = true;
  return ask_and_show(given, with, "POST", "/v1/warm-ups", json::serialize(body), [&](const json::object& o) {
    const auto at =
        is_warming(o) ? fmt::format("day {}, at most {} in 24 hours", day_of(o), count(number_of(o, "cap"), "message"))
                      : std::string("warm, no cap");
    with.out << printable(fmt::format("{} at {}: {}", text_of(o, "egress"), text_of(o, "provider"), at)) << '\n';
  });
}

}  // namespace gonets::app::cli
