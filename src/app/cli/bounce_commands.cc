#include "app/cli/bounce_commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <istream>

#include "app/cli/table.h"
#include "app/cli/text.h"
#include "bounce/report.h"
#include "config/bounce_rules.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;
using bounce::report;
using bounce::report_kind;

constexpr std::size_t reply_line_bytes_max = 64 * 1024;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value() : json::value(text);
}

json::object to_object(const report& r) {
  json::object o{{"kind", to_text(r.kind)},
                 {"recipient", text_or_null(r.recipient)},
                 {"action", text_or_null(r.action)},
                 {"status", text_or_null(to_text(r.status))},
                 {"code", r.code == 0 ? json::value() : json::value(r.code)},
                 {"diagnostic", text_or_null(r.diagnostic)},
                 {"remote_mta", text_or_null(r.remote_mta)},
                 {"category", nullptr},
                 {"permanent", r.what.permanent},
                 {"original_message_id", text_or_null(r.original_message_id)}};
  if (!r.has_category) return o;
  const auto& facts = bounce::facts_of(r.what.is);
  o["category"] = facts.name;
  o["about"] = to_text(facts.about);
  o["confidence"] = r.what.confidence;
  o["suppress"] = r.what.suppress;
  o["hint"] = facts.hint;
  o["hint_ru"] = facts.hint_ru;
  return o;
}

void print(const std::vector<report>& all, bool as_json, const filter_context& with) {
  if (as_json) {
    json::array list;
    for (const report& r : all)
      list.push_back(to_object(r));
    with.out << json::serialize(list) << '\n';
    return;
  }
  table rows({{"KIND"},
              {"RECIPIENT", align::left, true},
              {"CATEGORY"},
              {"FOR GOOD"},
              {"STATUS"},
              {"DIAGNOSTIC", align::left, true}});
  for (const report& r : all) {
    const std::string code = r.code == 0 ? "" : fmt::format("{} ", r.code);
    const std::string category(r.has_category ? to_text(r.what.is) : std::string_view());
    const std::string for_good = r.kind != report_kind::bounce ? "" : r.what.permanent ? "yes" : "no";
    rows.add({std::string(to_text(r.kind)), r.recipient, category, for_good, code + to_text(r.status), r.diagnostic});
  }
  with.out << rows.render(with.screen);
}

// Up to the line end; what is longer than a reply can be is dropped.
bool read_line(std::istream& in, std::string& to) {
  to.clear();
  for (int c = in.get(); c != std::char_traits<char>::eof(); c = in.get()) {
    if (c == '\n') return true;
    if (to.size() < reply_line_bytes_max) to.push_back(static_cast<char>(c));
  }
  return !to.empty();
}

std::string read_message(std::istream& in, std::size_t bytes_max) {
  std::string all;
  char chunk[65536];
  while (all.size() < bytes_max && (in.read(chunk, sizeof chunk) || in.gcount() > 0))
    all.append(chunk, static_cast<std::size_t>(in.gcount()));
  in.ignore(std::numeric_limits<std::streamsize>::max());  // so that who writes to us is not cut off
  return all;
}

int classify_replies(const arguments& given, const filter_context& with, const bounce::classifier& by) {
  std::vector<report> all;
  std::size_t lines = 0;
  if (given.json) with.out << '[';
  for (std::string line; read_line(with.in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    report r = read_reply(line, by);
    if (given.json) {
      with.out << (lines == 0 ? "" : ",\n") << json::serialize(to_object(r));
    } else {
      all.push_back(std::move(r));
    }
    ++lines;
  }
  if (given.json) {
    with.out << "]\n";
  } else {
    print(all, false, with);
  }
  return exit_fine;
}

}  // namespace

int bounce_classify(const arguments& given, const filter_context& with) {
  const bounce::classifier& by = config::shipped_classifier();
  if (given.reply) return classify_replies(given, with, by);
  const bounce::report_limits limits;
  const auto all = read_report(read_message(with.in, limits.message_bytes_max), by, limits);
  print(all, given.json, with);
  return exit_fine;
}

void add_bounce_commands(CLI::App& app, arguments& to, const command_adder& with) {
  auto* bounce = app.add_subcommand("bounce", "What bounces, complaints and replies mean");
  bounce->require_subcommand(1);
  auto* classify =
      with.add(*bounce, "classify", "What the message on stdin reports, for each recipient", command::bounce_classify,
               "gonets bounce classify --json < bounce.eml\n"
               "  echo '550 5.1.1 <user@example.com>: User unknown' | gonets bounce classify --reply");
  classify->add_flag("--json", to.json, "Print JSON: an array with an object for each recipient");
  classify->add_flag("--reply", to.reply, "Stdin has replies of servers, one a line, in place of a message");
}

}  // namespace gonets::app::cli
