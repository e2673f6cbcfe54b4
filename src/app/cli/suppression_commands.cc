// `gonets suppression`: addresses that an account's mail is not sent to.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"
#include "base/text.h"
#include "message/address.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

constexpr std::size_t addresses_a_request = 2000;
constexpr std::size_t bad_lines_shown = 10;

std::string addresses(std::uint64_t n) {
  return n == 1 ? "1 address" : fmt::format("{} addresses", n);
}

void print_list(const json::object& o, const arguments& given, const context& with) {
  const auto& all = array_of(o, "suppressions");
  if (all.empty()) {
    with.out << (given.suppression.addresses.empty() ? "Nothing is suppressed.\n" : "It is not suppressed.\n");
    return;
  }
  table rows({{"ADDRESS", align::left, true},
              {"STREAM", align::left},
              {"REASON", align::left, true},
              {"SINCE", align::right},
              {"EXPIRES", align::right}});
  for (const auto& each : all) {
    const auto& e = as_object(each);
    const auto stream = text_of(e, "stream");
    rows.add({std::string(text_of(e, "address")), stream.empty() ? "all" : std::string(stream),
              std::string(text_of(e, "reason")), relative_of(e, "since", with.now()),
              relative_of(e, "expires", with.now())});
  }
  with.out << rows.render(with.screen);
  if (o.contains("next")) with.out << "and more; `--json` of the API has all, page by page\n";
}

// Nothing: the time is malformed, which was said.
std::optional<json::object> body_of(const arguments& given, const context& with) {
  const auto& from = given.suppression;
  json::object body{{"account", from.account}};
  if (!from.stream.empty()) body["stream"] = from.stream;
  if (!from.reason.empty()) body["reason"] = from.reason;
  if (from.expires.empty()) return body;
  const auto lasts = parse_duration(from.expires);
  if (!lasts || lasts->count() < 1000) {
    with.err << fmt::format("--expires-in: \"{}\" is not a time, such as 30d\n", printable(from.expires));
    return std::nullopt;
  }
  body["expires_in"] = std::chrono::floor<std::chrono::seconds>(*lasts).count();
  return body;
}

json::array texts_of(const std::vector<std::string>& all) {
  json::array made;
  for (const auto& text : all)
    made.emplace_back(text);
  return made;
}

// The file's next addresses, at most `max`.
struct address_file {
  std::istream& from;
  std::uint64_t line = 0, bad = 0;

  std::vector<std::string> next(std::size_t max, const context& with) {
    std::vector<std::string> found;
    for (std::string text; found.size() < max && std::getline(from, text);) {
      ++line;
      auto address = text.substr(0, text.find_first_of(",;\t"));
      const auto begin = address.find_first_not_of(" \"\r");
      if (begin == std::string::npos) continue;
      address = address.substr(begin, address.find_last_not_of(" \"\r") - begin + 1);
      if (message::parse_address(address, true)) {
        found.push_back(std::move(address));
      } else if (line > 1 || address.find('@') != std::string::npos) {  // a first line without one has names of columns
        if (++bad <= bad_lines_shown)
          with.err << fmt::format("line {}: \"{}\" is not an address: left out\n", line, printable(address));
      }
    }
    return found;
  }
};

int import_from(std::istream& in, json::object body, const arguments& given, const context& with) {
  address_file file{in};
  std::uint64_t added = 0;
  int status = exit_fine;
  for (auto some = file.next(addresses_a_request, with); !some.empty(); some = file.next(addresses_a_request, with)) {
    body["addresses"] = texts_of(some);
    if (!ask(with, status, "POST", "/v1/suppressions", json::serialize(body))) {
      with.err << fmt::format("stopped before line {}; what came before is on the list, and may be given again\n",
                              file.line - some.size() + 1);
      return status;
    }
    added += some.size();
    if (with.screen.interactive) with.err << fmt::format("\r{} added", added) << std::flush;
  }
  if (with.screen.interactive) with.err << "\r";
  if (given.json) {
    print_line(with, json::serialize(json::object{{"added", added}, {"left_out", file.bad}}));
  } else {
    with.out << fmt::format("{} on the list, {} left out\n", addresses(added), file.bad);
  }
  return file.bad == 0 ? exit_fine : exit_negative;
}

}  // namespace

int suppression_list(const arguments& given, const context& with) {
  const auto& from = given.suppression;
  auto target = "/v1/suppressions?account=" + percent_encode(from.account);
  if (!from.addresses.empty()) target += "&address=" + percent_encode(from.addresses.front());
  return ask_and_show(given, with, target, [&](const json::object& o) { print_list(o, given, with); });
}

int suppression_add(const arguments& given, const context& with) {
  auto body = body_of(given, with);
  if (!body) return exit_bad_usage;
  (*body)["addresses"] = texts_of(given.suppression.addresses);
  return ask_and_show(given, with, "POST", "/v1/suppressions", json::serialize(*body), [&](const json::object& o) {
    with.out << fmt::format("{} on the list of {}\n", addresses(number_of(o, "added")),
                            printable(given.suppression.account));
  });
}

int suppression_remove(const arguments& given, const context& with) {
  auto body = body_of(given, with);
  if (!body) return exit_bad_usage;
  (*body)["addresses"] = texts_of(given.suppression.addresses);
  return ask_and_show(given, with, "POST", "/v1/suppressions/remove", json::serialize(*body),
                      [&](const json::object& o) {
                        with.out << fmt::format("{} off the list of {}\n", addresses(number_of(o, "removed")),
                                                printable(given.suppression.account));
                      });
}

int suppression_import(const arguments& given, const context& with) {
  auto body = body_of(given, with);
  if (!body) return exit_bad_usage;
  if (given.suppression.file == "-") return import_from(std::cin, std::move(*body), given, with);
  std::ifstream file(given.suppression.file);
  if (!file) {
    with.err << fmt::format("{}: can't be read\n", printable(given.suppression.file));
    return exit_bad_usage;
  }
  return import_from(file, std::move(*body), given, with);
}

}  // namespace gonets::app::cli
