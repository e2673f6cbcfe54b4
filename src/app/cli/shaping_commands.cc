// `gonets shaping`: how fast a site is sent to, and why no faster.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"
#include "message/address.h"
#include "shaping/adaptive_rate.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

// "12/s", "30/m": what people would say.
std::string rate_text(double a_second) {
  if (a_second >= 1) return shaping::rate_text(a_second) + "/s";
  if (a_second * 60 >= 1) return shaping::rate_text(a_second * 60) + "/m";
  return shaping::rate_text(a_second * 3600) + "/h";
}

void print_field(const context& with, std::string_view name, std::string_view value) {
  if (!value.empty()) with.out << fmt::format("{:<13}{}\n", name, printable(value));
}

void print_site(const json::object& o, const context& with) {
  print_field(with, "Site:", text_of(o, "site"));
  print_field(with, "Provider:", text_of(o, "provider"));
  print_field(with, "Egress:", text_of(o, "egress"));
  std::string state(text_of(o, "state"));
  if (const auto until = relative_of(o, "until", with.now()); !until.empty()) state += ", again " + until;
  if (const auto why = text_of(o, "reason"); !why.empty()) state += fmt::format(" ({})", why);
  print_field(with, "State:", state);
  print_field(with,
              "Waiting:", fmt::format("{}, and {} are being sent", number_of(o, "waiting"), number_of(o, "sending")));
  print_field(with,
              "Connections:", fmt::format("{} of {}", number_of(o, "connections"), number_of(o, "connections_max")));
  const auto& streams = array_of(o, "streams");
  if (!flag_of(o, "paced")) {
    with.out << "Pace:        not adapted; limits alone bound it\n";
  } else if (streams.empty()) {
    with.out << "Pace:        nothing was sent there lately; it begins at shaping.start_rate\n";
  }
  if (!streams.empty()) {
    with.out << '\n';
    table lines({{"STREAM"},
                 {"RATE", align::right},
                 {"CONNECTIONS", align::right},
                 {"PHASE"},
                 {"GOOD SO FAR", align::right},
                 {"WAITING", align::right},
                 {"SLOWED BY", align::left, true}});
    for (const auto& each : streams) {
      const auto& s = as_object(each);
      const auto good = real_of(s, "good_rate");
      std::string slowed(text_of(s, "slowed_by"));
      if (!slowed.empty()) slowed += ", until " + relative_of(s, "slowed_until", with.now());
      lines.add({std::string(text_of(s, "name")), rate_text(real_of(s, "rate")),
                 std::to_string(number_of(s, "connections")), std::string(text_of(s, "phase")),
                 good > 0 ? rate_text(good) : "-", std::to_string(number_of(s, "waiting")), slowed});
    }
    with.out << lines.render(with.screen);
  }
  const auto& limits = array_of(o, "limits");
  if (limits.empty()) return;
  with.out << '\n';
  table lines({{"LIMIT", align::left, true}, {"USED", align::right}, {"MAX", align::right}, {"IN THE WAY"}});
  for (const auto& each : limits) {
    const auto& l = as_object(each);
    const auto until = relative_of(l, "until", with.now());
    lines.add({std::string(text_of(l, "what")), std::to_string(number_of(l, "used")),
               std::to_string(number_of(l, "max")),
               flag_of(l, "blocks") ? cell(until.empty() ? "yes" : "until " + until, colour::red) : cell("-")});
  }
  with.out << lines.render(with.screen);
}

void print_change(const json::object& change, const context& with) {
  const auto width = with.screen.width;
  const auto at = parse_time(text_of(change, "at"));
  const std::string what = printable(text_of(change, "change"));
  const auto end = what.find("; ");
  const auto when = at ? full_time(*at) : std::string();
  const auto stream = printable(text_of(change, "stream"));
  const auto lead = fmt::format("{:<20}  {:<14}  ", when, stream);
  with.out << lead << cut(what.substr(0, end), width - std::min<std::size_t>(width, lead.size())) << '\n';
  if (end == std::string::npos) return;
  constexpr std::size_t indent = 22;
  with.out << std::string(indent, ' ')
           << coloured(cut(what.substr(end + 2), width - std::min<std::size_t>(width, indent)), colour::dim,
                       with.screen)
           << '\n';
}

void print_history(const json::object& o, const context& with) {
  const auto& changes = array_of(o, "changes");
  with.out << printable(text_of(o, "site")) << ": ";
  const auto in_all = number_of(o, "changes_in_all");
  with.out << (in_all == 0 ? "its pace did not change in this time" : count(in_all, "change"));
  if (in_all > changes.size()) with.out << fmt::format(", the last {} of them", changes.size());
  with.out << '\n';
  print_log_bounds(o, with);
  for (const auto& each : changes)
    print_change(as_object(each), with);
}

std::string place_of(const arguments& given) {
  const auto domain = message::domain_of(given.domain);
  return "/v1/sites/" + percent_encode(domain.empty() ? given.domain : std::string(domain));
}

}  // namespace

int shaping_explain(const arguments& given, const context& with) {
  return ask_and_show(given, with, place_of(given), [&](const json::object& o) { print_site(o, with); });
}

// A line for what changed, and one for what it was seen by.
int shaping_history(const arguments& given, const context& with) {
  const bool is_site = given.domain.find(':') != std::string::npos && given.domain.find('[') == std::string::npos;
  target to((is_site ? "/v1/sites/" + percent_encode(given.domain) : place_of(given)) + "/pace/history");
  to.with("since", given.since).with("max", std::to_string(given.max));
  return ask_and_show(given, with, to.text(), [&](const json::object& o) { print_history(o, with); });
}

int shaping_pin(const arguments& given, const context& with) {
  json::object body{{"rate", given.shaping.rate}};
  if (given.shaping.connections) body["connections"] = *given.shaping.connections;
  if (!given.shaping.stream.empty()) body["stream"] = given.shaping.stream;
  return ask_and_show(given, with, "PUT", place_of(given) + "/pace", json::serialize(body),
                      [&](const json::object& o) { print_site(o, with); });
}

int shaping_release(const arguments& given, const context& with) {
  auto place = place_of(given) + "/pace";
  if (!given.shaping.stream.empty()) place += "?stream=" + percent_encode(given.shaping.stream);
  return ask_and_show(given, with, "DELETE", place, "", [&](const json::object& o) { print_site(o, with); });
}

}  // namespace gonets::app::cli
