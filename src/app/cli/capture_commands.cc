#include <fmt/format.h>

#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"
#include "message/utf8.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

void print_captured(const json::object& o, const context& with) {
  const auto& messages = array_of(o, "messages");
  if (messages.empty()) {
    with.out << "Nothing is captured yet; mail gets here by a route to \"capture\"\n";
    return;
  }
  table lines({{"ID"},
               {"WHEN", align::right},
               {"FROM", align::left, true},
               {"TO", align::left, true},
               {"SUBJECT", align::left, true},
               {"BYTES", align::right}});
  for (const auto& m : messages) {
    const auto& message = as_object(m);
    const auto from = text_of(message, "from");
    lines.add({std::string(text_of(message, "id")), relative_of(message, "at", with.now()),
               from.empty() ? sender_text(text_of(message, "sender")) : std::string(from),
               std::string(text_of(message, "recipient")), std::string(text_of(message, "subject")),
               std::to_string(number_of(message, "bytes"))});
  }
  with.out << lines.render(with.screen);
}

}  // namespace

int show_content(const arguments& given, const context& with, const std::string& target_text) {
  int status = exit_fine;
  const auto answer = ask(with, status, "GET", target_text);
  if (!answer) return status;
  if (given.json) {
    // JSON holds characters only; whoever needs the bytes leaves --json out.
    const bool as_it_is = message::is_valid_utf8(answer->body);
    const json::object o{{"id", given.id}, {"content", as_it_is ? answer->body : printable_lines(answer->body)}};
    print_line(with, json::serialize(o));
  } else if (with.screen.interactive) {
    with.out << printable_lines(answer->body);
  } else {
    with.out << answer->body;
  }
  return exit_fine;
}

int capture_list(const arguments& given, const context& with) {
  target to("/v1/capture");
  to.with("max", std::to_string(given.max));
  return ask_and_show(given, with, to.text(), [&](const json::object& o) { print_captured(o, with); });
}

int capture_show(const arguments& given, const context& with) {
  return show_content(given, with, "/v1/capture/" + percent_encode(given.id));
}

}  // namespace gonets::app::cli
