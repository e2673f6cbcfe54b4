// `gonets suppression`: addresses that an account's mail is not sent to.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/suppression_pages.h"
#include "app/cli/table.h"
#include "app/cli/text.h"
#include "base/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

std::string addresses(std::uint64_t n) {
  return n == 1 ? "1 address" : fmt::format("{} addresses", n);
}

std::string scope_of(const json::object& e) {
  if (const auto list = text_of(e, "list"); !list.empty()) return fmt::format("list {}", list);
  const auto stream = text_of(e, "stream");
  return stream.empty() ? "all" : std::string(stream);
}

void print_rows(const json::array& all, const context& with) {
  table rows({{"ADDRESS", align::left, true},
              {"SCOPE", align::left},
              {"REASON", align::left, true},
              {"SINCE", align::right},
              {"EXPIRES", align::right},
              {"MESSAGE"}});
  for (const auto& each : all) {
    const auto& e = as_object(each);
    rows.add({std::string(text_of(e, "address")), scope_of(e), std::string(text_of(e, "reason")),
              relative_of(e, "since", with.now()), relative_of(e, "expires", with.now()),
              std::string(text_of(e, "message_id"))});
  }
  with.out << rows.render(with.screen);
}

void print_soft(const json::object& at, const context& with) {
  const auto& policy = object_of(at, "policy");
  const auto& soft = object_of(at, "soft_bounces");
  if (soft.empty()) return;
  with.out << fmt::format("soft bounces: {} of {}, over {} days within {}\n", number_of(soft, "count"),
                          number_of(policy, "soft_bounces"), number_of(policy, "soft_over_days"),
                          number_of(policy, "soft_within_days"));
  for (const auto& each : array_of(soft, "bounces")) {
    const auto& b = as_object(each);
    with.out << fmt::format("  {:<12} {}\n", printable(text_of(b, "message_id")), relative_of(b, "at", with.now()));
  }
}

void print_facts(const json::object& o, const context& with) {
  const auto& all = array_of(o, "accounts");
  if (all.empty()) with.out << fmt::format("Nothing is known of {}.\n", printable(text_of(o, "address")));
  for (const auto& each : all) {
    const auto& at = as_object(each);
    if (&each != &all.front()) with.out << '\n';
    with.out << coloured(printable(text_of(at, "account")), colour::bold, with.screen) << '\n';
    const auto& rows = array_of(at, "suppressions");
    if (rows.empty()) {
      with.out << "not suppressed\n";
    } else {
      print_rows(rows, with);
    }
    print_soft(at, with);
  }
}

void print_kept(const json::object& o, const context& with) {
  const auto& kept = array_of(o, "kept");
  if (!kept.empty()) with.out << fmt::format("kept, as their recipients complained: {}\n", printable(joined(kept)));
}

}  // namespace

void add_scope(const suppression_arguments& given, json::object& to) {
  if (!given.stream.empty()) to["stream"] = given.stream;
  if (!given.list.empty()) to["list"] = given.list;
}

std::optional<json::object> suppression_body(const arguments& given, const context& with) {
  const auto& from = given.suppression;
  json::object body{{"account", from.account}};
  if (from.expires.empty()) return body;
  const auto lasts = parse_duration(from.expires);
  if (!lasts || lasts->count() < 1000) {
    with.err << fmt::format("--expires-in: \"{}\" is not a time, such as 30d\n", printable(from.expires));
    return std::nullopt;
  }
  body["expires_in"] = std::chrono::floor<std::chrono::seconds>(*lasts).count();
  return body;
}

suppression_pages::suppression_pages(const suppression_arguments& given, std::size_t rows_a_page)
    : path_(target("/v1/suppressions")
                .with("account", given.account)
                .with("reason", given.reason)
                .with("stream", given.stream)
                .with("list", given.list)
                .with("since", given.since)
                .with("search", given.search)
                .with("limit", std::to_string(rows_a_page))) {}

std::optional<json::array> suppression_pages::next(const context& with, int& status) {
  auto asked = path_;
  const auto answer = ask(with, status, "GET", asked.with("after", after_).text());
  if (!answer) return std::nullopt;
  auto parsed = parse_answer(with, *answer);
  if (!parsed) {
    status = exit_negative;
    return std::nullopt;
  }
  after_ = text_of(*parsed, "next");
  over_ = after_.empty();
  return array_of(*parsed, "suppressions");
}

int suppression_list(const arguments& given, const context& with) {
  const auto& from = given.suppression;
  if (!from.addresses.empty()) {
    const auto path = target("/v1/suppressions").with("account", from.account).with("address", from.addresses.front());
    return ask_and_show(given, with, path.text(), [&](const json::object& o) {
      const auto& rows = array_of(o, "suppressions");
      if (rows.empty()) {
        with.out << "It is not suppressed.\n";
      } else {
        print_rows(rows, with);
      }
    });
  }
  // A page may have few rows though more come behind it: those that are looked for may be rare.
  suppression_pages pages(from, given.max);
  json::array rows;
  while (!pages.over() && rows.size() < given.max) {
    int status = exit_fine;
    const auto some = pages.next(with, status);
    if (!some) return status;
    rows.insert(rows.end(), some->begin(), some->end());
  }
  const bool more = !pages.over() || rows.size() > given.max;
  if (rows.size() > given.max) rows.resize(given.max);
  if (given.json) {
    print_line(with, json::serialize(json::object{{"suppressions", std::move(rows)}, {"more", more}}));
    return exit_fine;
  }
  if (rows.empty()) {
    with.out << "Nothing is suppressed.\n";
    return exit_fine;
  }
  print_rows(rows, with);
  if (more) with.out << "and more: `gonets suppression export` has all\n";
  return exit_fine;
}

int suppression_show(const arguments& given, const context& with) {
  const auto& from = given.suppression;
  const auto path = target("/v1/suppressions/" + percent_encode(from.addresses.front())).with("account", from.account);
  return ask_and_show(given, with, path.text(), [&](const json::object& o) { print_facts(o, with); });
}

int suppression_add(const arguments& given, const context& with) {
  auto body = suppression_body(given, with);
  if (!body) return exit_bad_usage;
  add_scope(given.suppression, *body);
  if (!given.suppression.reason.empty()) (*body)["reason"] = given.suppression.reason;
  (*body)["addresses"] = json::value_from(given.suppression.addresses);
  return ask_and_show(given, with, "POST", "/v1/suppressions", json::serialize(*body), [&](const json::object& o) {
    with.out << fmt::format("{} on the list of {}\n", addresses(number_of(o, "added")),
                            printable(given.suppression.account));
    print_kept(o, with);
  });
}

int suppression_remove(const arguments& given, const context& with) {
  const auto& from = given.suppression;
  json::object body{{"account", from.account}, {"addresses", json::value_from(from.addresses)}};
  add_scope(from, body);
  return ask_and_show(
      given, with, "POST", "/v1/suppressions/remove", json::serialize(body), [&](const json::object& o) {
        with.out << fmt::format("{} off the list of {}\n", addresses(number_of(o, "removed")), printable(from.account));
        print_kept(o, with);
      });
}

}  // namespace gonets::app::cli
