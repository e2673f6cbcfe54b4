#include <fmt/format.h>

#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

colour colour_of_state(std::string_view state) {
  if (state == "held" || state == "paused") return colour::red;
  if (state == "deferred" || state == "suspended") return colour::yellow;
  if (state == "sending") return colour::green;
  return colour::none;
}

std::string number_text(const json::object& o, std::string_view name) {
  return std::to_string(number_of(o, name));
}

void print_summary(const json::object& o, const context& with) {
  std::uint64_t all = 0;
  for (const auto* state : {"ready", "sending", "deferred", "held", "resolving"})
    all += number_of(o, state);
  with.out << fmt::format("{}: {} ready, {} being sent, {} deferred, {} held, {} being resolved\n",
                          count(all, "recipient"), number_of(o, "ready"), number_of(o, "sending"),
                          number_of(o, "deferred"), number_of(o, "held"), number_of(o, "resolving"));
  if (flag_of(o, "loading")) {
    with.out << coloured("The queue is still being read from disk: there are more.", colour::yellow, with.screen)
             << '\n';
  }
  const auto& sites = array_of(o, "sites");
  if (sites.empty()) return;
  table lines({{"SITE", align::left, true},
               {"READY", align::right},
               {"SENDING", align::right},
               {"DEFERRED", align::right},
               {"HELD", align::right},
               {"CONNS", align::right},
               {"OLDEST", align::right},
               {"NEXT", align::right},
               {"STATE"},
               {"REASON", align::left, true}});
  for (const auto& s : sites) {
    const auto& site = as_object(s);
    const auto state = std::string(text_of(site, "state"));
    lines.add({std::string(text_of(site, "site")), number_text(site, "ready"), number_text(site, "sending"),
               number_text(site, "deferred"), number_text(site, "held"), number_text(site, "connections"),
               relative_of(site, "oldest", with.now()), relative_of(site, "next_attempt", with.now()),
               cell(state, colour_of_state(state)), std::string(text_of(site, "reason"))});
  }
  with.out << '\n' << lines.render(with.screen);
  const auto in_all = number_of(o, "sites_in_all");
  if (in_all > sites.size()) with.out << fmt::format("{} of {} sites, the fullest ones\n", sites.size(), in_all);
}

// Where nobody but the server's own networks sends, there is nothing to tell apart.
std::string account_cell(const json::object& row) {
  const auto name = text_of(row, "account");
  return name == "default" ? std::string() : std::string(name);
}

// What a recipient waits for, in a few words.
std::string last_words(const json::object& row) {
  const auto held = text_of(row, "hold_reason");
  return held.empty() ? reply_of(row, "last_reply") : std::string(held);
}

void print_rows(const json::object& o, const context& with) {
  const auto& rows = array_of(o, "rows");
  if (rows.empty()) {
    with.out << "Nothing in the queue matches\n";
    return;
  }
  table lines({{"ID"},
               {"ACCOUNT", align::left, true},
               {"RECIPIENT", align::left, true},
               {"STATE"},
               {"ACCEPTED", align::right},
               {"TRIES", align::right},
               {"NEXT", align::right},
               {"LAST ANSWER", align::left, true}});
  for (const auto& r : rows) {
    const auto& row = as_object(r);
    const auto state = std::string(text_of(row, "state"));
    lines.add({std::string(text_of(row, "message_id")), account_cell(row), std::string(text_of(row, "recipient")),
               cell(state, colour_of_state(state)), relative_of(row, "accepted", with.now()),
               number_text(row, "attempts"), relative_of(row, "next_attempt", with.now()), last_words(row)});
  }
  with.out << lines.render(with.screen);
  const auto matching = number_of(o, "matching");
  if (matching > rows.size()) {
    with.out << fmt::format("{} of {}; narrow it down, or ask for more with --max\n", rows.size(), matching);
  }
}

void print_message(const json::object& o, const context& with) {
  const auto& rows = array_of(o, "rows");
  const auto& first = rows.empty() ? object_of({}, "") : as_object(rows.front());
  const auto accepted = parse_time(text_of(first, "accepted"));
  with.out << coloured(printable(text_of(first, "message_id")), colour::bold, with.screen)
           << fmt::format("\n  from      {}\n  accepted  {} ({})\n  size      {} bytes\n  stream    {}\n",
                          printable(sender_text(text_of(first, "sender"))),
                          accepted ? full_time(*accepted) : std::string("?"),
                          relative_of(first, "accepted", with.now()), number_of(first, "message_bytes"),
                          printable(text_of(first, "stream")));
  for (const auto& [name, title] : {std::pair("release_at", "release"), std::pair("deliver_by", "by")}) {
    const auto at = parse_time(text_of(first, name));
    if (at) with.out << fmt::format("  {:<8}  {} ({})\n", title, full_time(*at), relative_time(*at, with.now()));
  }
  with.out << '\n';
  table lines({{"RECIPIENT", align::left, true},
               {"STATE"},
               {"TRIES", align::right},
               {"NEXT", align::right},
               {"SITE", align::left, true},
               {"LAST ANSWER", align::left, true}});
  for (const auto& r : rows) {
    const auto& row = as_object(r);
    const auto state = std::string(text_of(row, "state"));
    lines.add({std::string(text_of(row, "recipient")), cell(state, colour_of_state(state)),
               number_text(row, "attempts"), relative_of(row, "next_attempt", with.now()),
               std::string(text_of(row, "site")), last_words(row)});
  }
  with.out << lines.render(with.screen);
}

struct action_words {
  std::string_view name, past;
};

action_words words_of(command what) {
  switch (what) {
    case command::queue_hold:
      return {"hold", "held"};
    case command::queue_release:
      return {"release", "released"};
    case command::queue_remove:
      return {"remove", "removed"};
    default:
      return {"retry", "to be tried again now"};
  }
}

}  // namespace

int queue_summary(const arguments& given, const context& with) {
  return ask_and_show(given, with, "/v1/queue", [&](const json::object& o) { print_summary(o, with); });
}

int queue_list(const arguments& given, const context& with) {
  const auto& f = given.filter;
  target to("/v1/queue/messages");
  to.with("id", f.id).with("recipient", f.recipient).with("domain", f.domain).with("account", f.account);
  to.with("state", f.state).with("older_than", f.older_than).with("max", std::to_string(given.max));
  return ask_and_show(given, with, to.text(), [&](const json::object& o) { print_rows(o, with); });
}

int queue_show(const arguments& given, const context& with) {
  const auto path = "/v1/queue/messages/" + percent_encode(given.id);
  if (!given.content) {
    return ask_and_show(given, with, path, [&](const json::object& o) { print_message(o, with); });
  }
  return show_content(given, with, path + "/content");
}

int queue_act(const arguments& given, const context& with) {
  const auto& f = given.filter;
  const auto words = words_of(given.what);
  json::object filter;
  const std::initializer_list<std::pair<std::string_view, std::string_view>> members{
      {"id", f.id},           {"recipient", f.recipient}, {"domain", f.domain},
      {"account", f.account}, {"state", f.state},         {"older_than", f.older_than}};
  for (const auto& [name, value] : members) {
    if (!value.empty()) filter[name] = value;
  }
  json::object body{{"action", words.name}, {"filter", std::move(filter)}};
  if (!given.reason.empty()) body["reason"] = given.reason;
  if (given.all) body["all"] = true;
  int status = exit_fine;
  const auto answer = ask(with, status, "POST", "/v1/queue/actions", json::serialize(body));
  if (!answer) return status;
  const auto parsed = parse_answer(with, *answer);
  if (!parsed) return exit_negative;
  const auto affected = number_of(*parsed, "affected");
  print_line(with, given.json ? answer->body : fmt::format("{} {}", count(affected, "recipient"), words.past));
  // A name that was not there is worth a bad status; "all that match, if any" is not.
  return affected == 0 && !f.id.empty() ? exit_negative : exit_fine;
}

}  // namespace gonets::app::cli
