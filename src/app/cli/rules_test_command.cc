// `gonets rules test`: what other rules would have made of the replies that the server has recorded.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <fstream>
#include <ostream>
#include <sstream>

#include "app/cli/answers.h"
#include "app/cli/text.h"
#include "config/rules.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

// "slow_down to 50% (google-rate, about the egress)"; "fail, as its code says"
std::string judgement_text(const json::object& j) {
  const auto verdict = text_of(j, "verdict");
  const auto rule = text_of(j, "rule");
  if (rule.empty()) return fmt::format("{}, as its code says", verdict);
  return fmt::format("{} ({}, about the {})", verdict, rule, text_of(j, "about"));
}

void print_group(const json::object& g, const context& with) {
  const auto& example = object_of(g, "example");
  const auto width = with.screen.width;
  with.out << '\n'
           << coloured(count(number_of(g, "recipients"), "recipient"), colour::bold, with.screen) << '\n'
           << "  now   " << printable(judgement_text(object_of(g, "now"))) << '\n'
           << "  then  " << printable(judgement_text(object_of(g, "then"))) << '\n'
           << cut("  such as " + printable(reply_of(example, "reply")), width) << '\n'
           << "          "
           << coloured(cut(fmt::format("to {}, {}, {}, {}", printable(text_of(example, "recipient")),
                                       text_of(example, "stage"), relative_of(example, "at", with.now()),
                                       text_of(example, "message_id")),
                           width > 10 ? width - 10 : width),
                       colour::dim, with.screen)
           << '\n';
}

void print_report(const json::object& o, const context& with) {
  print_log_bounds(o, with);
  const auto different = number_of(o, "different");
  const auto from = parse_time(text_of(o, "log_from"));
  with.out << fmt::format("{} since {}: {} would have been judged differently",
                          count(number_of(o, "replies"), "refused recipient"),
                          from ? full_time(*from) : "the beginning", different);
  if (const auto same = number_of(o, "same_by_another_rule"))
    with.out << fmt::format(", {} the same by another rule", same);
  with.out << ".\n";
  for (const auto& g : array_of(o, "groups"))
    print_group(as_object(g), with);
  if (const auto left = number_of(o, "left_out"))
    with.out << fmt::format("\nand {} in groups beyond those\n", count(left, "recipient"));
}

}  // namespace

int rules_test(const arguments& given, const context& with) {
  // Errors are found here, with their lines, before anybody is asked.
  const auto& file = given.rules.file;
  if (const auto read = config::load_rules(file); !read) {
    for (const auto& e : read.error())
      with.err << config::to_text(e) << '\n';
    return exit_negative;
  }
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  json::object body{{"rules", text.str()}, {"name", file}};
  if (!given.since.empty()) body["since"] = given.since;
  return ask_and_show(given, with, "POST", "/v1/rules/test", json::serialize(body),
                      [&](const json::object& o) { print_report(o, with); });
}

}  // namespace gonets::app::cli
