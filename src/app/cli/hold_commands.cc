// `gonets hold`: standing holds.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

// "stream bulk, domain example.com"
std::string what_of(const json::object& hold) {
  std::string text;
  for (const auto* name : {"account", "stream", "domain", "provider", "campaign", "tag"}) {
    const auto value = text_of(hold, name);
    if (value.empty()) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", name, value);
  }
  return text;
}

void print_holds(const json::object& o, const context& with) {
  const auto& holds = array_of(o, "holds");
  if (holds.empty()) {
    with.out << "Nothing is held back.\n";
    return;
  }
  table rows({{"ID", align::right},
              {"HOLDS", align::left, true},
              {"RECIPIENTS", align::right},
              {"SINCE", align::right},
              {"REASON", align::left, true}});
  for (const auto& each : holds) {
    const auto& h = as_object(each);
    rows.add({std::to_string(number_of(h, "id")), what_of(h), std::to_string(number_of(h, "recipients")),
              relative_of(h, "since", with.now()), std::string(text_of(h, "reason"))});
  }
  with.out << rows.render(with.screen);
}

}  // namespace

int hold_list(const arguments& given, const context& with) {
  return ask_and_show(given, with, "/v1/holds", [&](const json::object& o) { print_holds(o, with); });
}

int hold_add(const arguments& given, const context& with) {
  json::object body;
  const std::initializer_list<std::pair<std::string_view, std::string_view>> members{
      {"account", given.filter.account}, {"stream", given.shaping.stream},
      {"domain", given.filter.domain},   {"provider", given.rules.provider},
      {"campaign", given.hold.campaign}, {"tag", given.hold.tag},
      {"reason", given.reason}};
  for (const auto& [name, value] : members) {
    if (!value.empty()) body[name] = value;
  }
  return ask_and_show(given, with, "POST", "/v1/holds", json::serialize(body), [&](const json::object& o) {
    const auto id = number_of(o, "id");
    with.out << printable(fmt::format("hold {}: {}; {} kept back now; `gonets hold release {}` ends it", id, what_of(o),
                                      count(number_of(o, "recipients"), "recipient"), id))
             << '\n';
  });
}

int hold_release(const arguments& given, const context& with) {
  return ask_and_show(given, with, "DELETE", "/v1/holds/" + percent_encode(given.id), "", [&](const json::object& o) {
    with.out << printable(fmt::format("released hold {} ({}): {} can go", number_of(o, "id"), what_of(o),
                                      count(number_of(o, "recipients"), "recipient")))
             << '\n';
  });
}

}  // namespace gonets::app::cli
