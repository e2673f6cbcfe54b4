#include "app/cli/rules_commands.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <expected>
#include <iostream>
#include <optional>

#include "app/cli/table.h"
#include "app/cli/text.h"
#include "base/text.h"
#include "config/presets.h"
#include "config/routes.h"
#include "config/rules.h"
#include "shaping/limit_fields.h"
#include "shaping/rule_check.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;
using shaping::provider;
using shaping::provider_limits;
using shaping::reply_rule;

int fail(const filter_context& with, const std::string& what, int status) {
  with.err << "gonets: " << what << '\n';
  return status;
}

std::string name_of(const arguments& given) {
  return given.rules.file.empty() ? std::string(config::shipped_rules_name) : given.rules.file;
}

// Says on `err` all that is wrong with the file.
std::optional<shaping::rules> load_or_explain(const arguments& given, const filter_context& with) {
  auto loaded = config::load_rules(given.rules.file);
  if (loaded) return std::move(*loaded);
  for (const auto& e : loaded.error())
    with.err << config::to_text(e) << '\n';
  return std::nullopt;
}

// By its name, a recipient's domain or an MX host. Says so on `err` when there is none.
const provider* find_provider(const shaping::rules& all, const std::string& word, const filter_context& with) {
  const auto& known = all.providers;
  const provider* found = known.find(to_lower(word));
  if (found == nullptr) found = known.find_domain(word);
  if (found == nullptr) found = known.find_host(word);
  if (found != nullptr) return found;
  std::vector<std::string> names;
  for (const provider& p : known.all())
    names.push_back(p.name);
  const auto near = nearest(word, names);
  fail(with, fmt::format("no provider \"{}\"{}", word, near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)),
       exit_negative);
  return nullptr;
}

std::string listed(const auto& items, auto to_string, std::string_view separator) {
  std::string all;
  for (const auto& each : items) {
    if (!all.empty()) all += separator;
    all += to_string(each);
  }
  return all;
}
std::string listed(const std::vector<std::string>& items, std::string_view separator = ", ") {
  return fmt::format("{}", fmt::join(items, separator));
}

// The conditions of a rule, as a reader of its file would say them.
std::string condition_of(const reply_rule& r) {
  std::vector<std::string> parts;
  if (!r.codes.empty())
    parts.push_back(listed(
        r.codes, [](const auto& c) { return to_text(c); }, "|"));
  if (!r.statuses.empty())
    parts.push_back(listed(
        r.statuses, [](const auto& s) { return to_text(s); }, "|"));
  if (!r.texts.empty())
    parts.push_back(listed(
        r.texts, [](const auto& t) { return '"' + t.source() + '"'; }, "|"));
  if (!r.stages.empty()) {
    parts.push_back("at " + listed(
                                r.stages, [](stage s) { return std::string(to_text(s)); }, "|"));
  }
  return listed(parts, " ");
}

json::object to_object(const provider_limits& of) {
  json::object limits;
  for (const auto& f : shaping::limit_fields) {
    if (of.*(f.field)) limits[f.name] = *(of.*(f.field));
  }
  return limits;
}

json::object to_object(const provider& p) {
  json::object o{{"name", p.name},
                 {"title", p.title},
                 {"mx", json::array(p.mx.begin(), p.mx.end())},
                 {"domains", json::array(p.domains.begin(), p.domains.end())},
                 {"limits", to_object(p.limits)}};
  if (p.greylisting) o["greylisting"] = format_duration(*p.greylisting);
  return o;
}

void add_verdict(json::object& to, const shaping::verdict& v) {
  to["verdict"] = to_text(v.kind);
  to["about"] = to_text(v.about);
  if (v.duration.count() > 0) to["for_ms"] = v.duration.count();
  if (v.factor > 0) to["factor"] = v.factor;
  if (v.to) to["rate"] = to_text(*v.to);
}

json::object to_object(const reply_rule& r) {
  json::object o{{"rule", r.name}, {"when", condition_of(r)}, {"why", r.why}};
  add_verdict(o, r.what);
  return o;
}

std::string limit_cell(const std::optional<std::uint32_t>& limit) {
  return limit ? std::to_string(*limit) : std::string();
}

std::string rates_cell(const provider_limits& l) {
  std::vector<std::string> rates;
  if (l.messages_a_second) rates.push_back(fmt::format("{}/s", *l.messages_a_second));
  if (l.messages_a_minute) rates.push_back(fmt::format("{}/m", *l.messages_a_minute));
  if (l.messages_an_hour) rates.push_back(fmt::format("{}/h", *l.messages_an_hour));
  if (l.messages_a_day) rates.push_back(fmt::format("{}/d", *l.messages_a_day));
  return listed(rates, " ");
}

int show_all(const arguments& given, const shaping::rules& all, const filter_context& with) {
  if (given.json) {
    json::array providers;
    for (const provider& p : all.providers.all())
      providers.push_back(to_object(p));
    with.out << json::serialize(json::object{{"providers", std::move(providers)}}) << '\n';
    return exit_fine;
  }
  table rows({{"PROVIDER"},
              {"MX HOSTS BELOW", align::left, true},
              {"DOMAINS", align::left, true},
              {"CONNECTIONS", align::right},
              {"NEW/MIN", align::right},
              {"MESSAGES/CONN", align::right},
              {"RATES"}});
  for (const provider& p : all.providers.all()) {
    rows.add({p.name, listed(p.mx), listed(p.domains), limit_cell(p.limits.connections),
              limit_cell(p.limits.new_connections_a_minute), limit_cell(p.limits.messages_a_connection),
              rates_cell(p.limits)});
  }
  with.out << rows.render(with.screen);
  return exit_fine;
}

int show_one(const arguments& given, const shaping::rules& all, const provider& p, const filter_context& with) {
  std::vector<const reply_rule*> own;
  for (const reply_rule& r : all.replies.all()) {
    if (std::find(r.providers.begin(), r.providers.end(), p.name) != r.providers.end()) own.push_back(&r);
  }
  if (given.json) {
    json::object o = to_object(p);
    json::array rules;
    for (const reply_rule* r : own)
      rules.push_back(to_object(*r));
    o["rules"] = std::move(rules);
    with.out << json::serialize(o) << '\n';
    return exit_fine;
  }
  with.out << p.name << ": " << printable(p.title) << '\n';
  if (!p.mx.empty()) with.out << "  MX hosts below  " << listed(p.mx) << '\n';
  if (!p.domains.empty()) with.out << "  domains         " << listed(p.domains) << '\n';
  if (p.greylisting) with.out << "  greylists for   " << format_duration(*p.greylisting) << '\n';
  for (const auto& f : shaping::limit_fields) {
    if (p.limits.*(f.field)) with.out << fmt::format("  {:<26}{:>8}\n", f.name, *(p.limits.*(f.field)));
  }
  if (own.empty()) return exit_fine;
  table rows({{"RULE"}, {"VERDICT"}, {"ABOUT"}, {"WHEN", align::left, true}});
  for (const reply_rule* r : own)
    rows.add({r->name, to_text(r->what), std::string(to_text(r->what.about)), condition_of(*r)});
  with.out << '\n' << rows.render(with.screen);
  return exit_fine;
}

// What is wrong with the file, in its order: as lines, or as the findings of JSON.
struct check_report {
  std::vector<std::string> lines;
  json::array findings;
  std::size_t providers = 0, rules = 0;
};

check_report check_file(const arguments& given) {
  check_report r;
  const auto file = name_of(given);
  const auto add = [&](unsigned line, const std::string& text) {
    r.lines.push_back(text);
    json::object o{{"file", file}, {"text", text}};
    if (line > 0) o["line"] = line;
    r.findings.push_back(std::move(o));
  };
  const auto loaded = config::load_rules(given.rules.file);
  if (!loaded) {
    for (const auto& e : loaded.error())
      add(e.line, config::to_text(e));
    return r;
  }
  r.providers = loaded->providers.all().size();
  r.rules = loaded->replies.all().size();
  for (const auto& fault : check_samples(*loaded))
    add(fault.line, fmt::format("{}:{}: {}", file, fault.line, to_text(fault)));
  return r;
}

void print_ruling(const std::string& line, const std::optional<shaping::ruling>& found, bool as_json,
                  const filter_context& with) {
  if (as_json) {
    json::object o{{"reply", printable(line)}, {"rule", nullptr}};
    if (found) {
      o["rule"] = found->rule->name;
      add_verdict(o, found->what);
      o["why"] = found->rule->why;
    }
    with.out << json::serialize(o) << '\n';
    return;
  }
  with.out << printable(line) << '\n';
  if (!found) {
    with.out << "  no rule: the code decides\n";
    return;
  }
  with.out << fmt::format("  {} ({}): {}; about the {}\n", to_text(found->what), found->rule->name, found->rule->why,
                          to_text(found->what.about));
}

stage stage_of(const std::string& name) {
  for (const stage at : dialogue_stages) {
    if (to_text(at) == name) return at;
  }
  return stage::none;
}

}  // namespace

int rules_show(const arguments& given, const filter_context& with) {
  const auto all = load_or_explain(given, with);
  if (!all) return exit_negative;
  if (given.rules.provider.empty()) return show_all(given, *all, with);
  const provider* one = find_provider(*all, given.rules.provider, with);
  return one == nullptr ? exit_negative : show_one(given, *all, *one, with);
}

int rules_check(const arguments& given, const filter_context& with) {
  check_report r = check_file(given);
  const bool good = r.lines.empty();
  if (given.json) {
    with.out << json::serialize(json::object{{"ok", good},
                                             {"file", name_of(given)},
                                             {"providers", r.providers},
                                             {"rules", r.rules},
                                             {"findings", std::move(r.findings)}})
             << '\n';
  } else if (good) {
    with.out << fmt::format("{}: {} and {}, all in order\n", name_of(given), count(r.providers, "provider"),
                            count(r.rules, "rule"));
  } else {
    for (const std::string& line : r.lines)
      with.err << printable(line) << '\n';
  }
  return good ? exit_fine : exit_negative;
}

int rules_try(const arguments& given, const filter_context& with) {
  const auto all = load_or_explain(given, with);
  if (!all) return exit_negative;
  const provider* of = nullptr;
  if (!given.rules.provider.empty()) {
    of = find_provider(*all, given.rules.provider, with);
    if (of == nullptr) return exit_bad_usage;
  }
  int status = exit_fine;
  for (std::string line; std::getline(with.in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const auto parsed = shaping::parse_reply(line);
    if (!parsed) {
      status = fail(with, fmt::format("\"{}\" is no negative reply, such as \"450 4.2.1 text\"", printable(line)),
                    exit_negative);
      continue;
    }
    print_ruling(line, all->judge(*parsed, stage_of(given.rules.stage), of), given.json, with);
  }
  return status;
}

int rules_presets(const arguments& given, const filter_context& with) {
  const auto& all = config::shipped_presets();
  if (given.json) {
    json::array presets;
    for (const config::preset& p : all) {
      presets.push_back(json::object{{"name", p.name},
                                     {"title", p.title},
                                     {"to", config::target_text(p.target)},
                                     {"takes_tokens", p.takes_tokens()},
                                     {"limits", to_object(p.limits)}});
    }
    with.out << json::serialize(json::object{{"presets", std::move(presets)}}) << '\n';
    return exit_fine;
  }
  table rows({{"PRESET"},
              {"TITLE", align::left, true},
              {"SERVER"},
              {"TOKENS"},
              {"CONNECTIONS", align::right},
              {"RCPTS/MESSAGE", align::right},
              {"RATES"}});
  for (const config::preset& p : all) {
    rows.add({p.name, p.title, config::target_text(p.target), std::string(p.takes_tokens() ? "yes" : "-"),
              limit_cell(p.limits.connections), limit_cell(p.limits.recipients_a_transaction), rates_cell(p.limits)});
  }
  with.out << rows.render(with.screen);
  return exit_fine;
}

}  // namespace gonets::app::cli
