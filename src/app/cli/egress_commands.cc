// `gonets egress`: by which ways mail leaves, and which of them work.
#include <fmt/format.h>

#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

void print_egresses(const json::object& o, const context& with) {
  table lines({{"NAME"}, {"SOURCE"}, {"HELO"}, {"PROXY"}, {"POOLS"}, {"STATE"}, {"REASON", align::left, true}});
  std::string listings;
  const auto joined = [](std::string& to, std::string_view more) {
    if (!more.empty()) to.append(to.empty() ? "" : ", ").append(more);
  };
  for (const auto& each : array_of(o, "egresses")) {
    const auto& e = as_object(each);
    std::string source, pools;
    joined(source, text_of(e, "source_ipv4"));
    joined(source, text_of(e, "source_ipv6"));
    for (const auto& p : array_of(e, "pools"))
      joined(pools, p.as_string());
    const bool up = text_of(e, "state") == "up";
    std::string state(up ? "up" : "down since " + relative_of(e, "since", with.now()));
    std::string reason(text_of(e, "reason"));
    if (const auto until = relative_of(e, "until", with.now()); !until.empty()) reason += "; tried again " + until;
    auto how = up ? colour::none : colour::red;
    for (const auto& each_listing : array_of(e, "listings")) {
      const auto& l = as_object(each_listing);
      const bool out = e.at("taken_out").as_bool();
      if (up) {
        state = out ? "taken out" : "listed";
        how = out ? colour::red : colour::yellow;
      }
      listings +=
          printable(fmt::format("{}: {} is on {} ({}): {}", text_of(e, "name"), text_of(l, "address"),
                                text_of(l, "zone"), relative_of(l, "since", with.now()), text_of(l, "reason"))) +
          "\n";
    }
    lines.add({std::string(text_of(e, "name")), source.empty() ? "the system's choice" : source,
               std::string(text_of(e, "helo")), std::string(text_of(e, "proxy")), pools, cell(state, how), reason});
  }
  with.out << lines.render(with.screen) << listings;
  for (const auto& each : array_of(o, "blocklists")) {
    const auto& l = as_object(each);
    if (const auto trouble = text_of(l, "trouble"); !trouble.empty())
      with.out << printable(fmt::format("The block list {} is not believed: {}", text_of(l, "zone"), trouble)) << "\n";
  }
}

}  // namespace

int egress_list(const arguments& given, const context& with) {
  return ask_and_show(given, with, "/v1/egresses", [&](const json::object& o) { print_egresses(o, with); });
}

}  // namespace gonets::app::cli
