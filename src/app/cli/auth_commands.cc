#include <fmt/format.h>

#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

void print_lockouts(const json::object& o, const context& with) {
  const auto& rows = array_of(o, "lockouts");
  if (rows.empty()) {
    with.out << "Nobody failed to log in lately\n";
    return;
  }
  table lines({{"OF"}, {"NAME", align::left, true}, {"FAILURES", align::right}, {"LOCKED UNTIL", align::right}});
  for (const auto& r : rows) {
    const auto& row = as_object(r);
    const auto until = relative_of(row, "locked_until", with.now());
    lines.add({std::string(text_of(row, "of")), std::string(text_of(row, "name")),
               std::to_string(number_of(row, "failures")),
               cell(until.empty() ? "-" : until, until.empty() ? colour::none : colour::red)});
  }
  with.out << lines.render(with.screen);
}

}  // namespace

int auth_lockouts(const arguments& given, const context& with) {
  target to("/v1/auth/lockouts");
  to.with("max", std::to_string(given.max));
  return ask_and_show(given, with, to.text(), [&](const json::object& o) { print_lockouts(o, with); });
}

int auth_unlock(const arguments& given, const context& with) {
  int status = exit_fine;
  const auto answer = ask(with, status, "DELETE", "/v1/auth/lockouts/" + percent_encode(given.id));
  if (!answer) return status;
  print_line(with, given.json ? answer->body : fmt::format("The failures of {} are forgotten", printable(given.id)));
  return exit_fine;
}

}  // namespace gonets::app::cli
