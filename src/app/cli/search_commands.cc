// `gonets messages`: the journal.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

void print_messages(const json::object& o, const context& with) {
  const auto& found = array_of(o, "messages");
  if (found.empty()) {
    with.out << "Nothing was found.\n";
    return;
  }
  table rows({{"ID"},
              {"ACCEPTED", align::right},
              {"RECIPIENT", align::left, true},
              {"SENDER", align::left, true},
              {"STATUS"},
              {"CATEGORY"},
              {"REPLY", align::left, true}});
  for (const auto& each : found) {
    const auto& m = as_object(each);
    rows.add({std::string(text_of(m, "message_id")), relative_of(m, "accepted", with.now()),
              std::string(text_of(m, "recipient")), sender_text(text_of(m, "sender")),
              std::string(text_of(m, "status")), std::string(text_of(m, "category")),
              std::string(text_of(m, "reply"))});
  }
  with.out << rows.render(with.screen);
  if (const auto next = text_of(o, "next"); !next.empty())
    with.out << "There are more; --page " << printable(next) << " shows them\n";
}

}  // namespace

int message_search(const arguments& given, const context& with) {
  const auto& s = given.search;
  target to("/v1/messages");
  to.with("recipient", given.filter.recipient)
      .with("sender", s.sender)
      .with("header_message_id", s.header_message_id)
      .with("id", given.filter.id)
      .with("campaign", given.hold.campaign)
      .with("tag", given.hold.tag)
      .with("subject", s.subject)
      .with("account", given.filter.account)
      .with("status", s.status)
      .with("category", s.category)
      .with("provider", given.rules.provider)
      .with("since", s.since)
      .with("until", s.until)
      .with("after", s.page)
      .with("max", std::to_string(given.max));
  return ask_and_show(given, with, to.text(), [&](const json::object& o) { print_messages(o, with); });
}

}  // namespace gonets::app::cli
