#include "config/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

#include "base/text.h"
#include "config/detail/kinds.h"
#include "config/routes.h"
#include "shaping/limit_fields.h"
#include "shaping/retry_hint.h"

namespace gonets::config {
namespace {

using namespace std::chrono_literals;
using detail::member;
using detail::mismatch;
using detail::mismatches;
using detail::refuse;
using detail::value;
using detail::value_kind;
using shaping::concern;
using shaping::provider;
using shaping::provider_limits;
using shaping::reply_rule;
using shaping::verdict_kind;

constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t line_bytes_max = 300;    // of titles and reasons
constexpr std::size_t reply_bytes_max = 1024;  // of samples
constexpr std::size_t pattern_bytes_max = 200;
constexpr std::size_t names_max = 1000;  // of one list
constexpr std::size_t conditions_max = 50;
constexpr std::chrono::milliseconds wait_min = 1s, wait_max = 7 * 24h;

// What a table may have: how a key is read, what it expects.
template <class Owner>
struct key {
  std::string_view name;
  bool required = false;
  std::string expected;
  std::function<void(const value&, Owner&, mismatches&)> read;
};
template <class Owner>
using keys = std::vector<key<Owner>>;

template <class Owner, class Kind, class Field>
key<Owner> field(std::string_view name, Kind kind, Field Owner::*to, bool required = false) {
  return {name, required, kind.expected(),
          [kind, to](const value& v, Owner& owner, mismatches& wrong) { kind.read(v, owner.*to, wrong); }};
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_bytes_max && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}
bool is_line(std::string_view text) {
  return !text.empty() && text.size() <= line_bytes_max && text.find('\n') == std::string_view::npos;
}
bool is_host_suffix(std::string_view text) {
  return is_domain(shaping::canonical_name(text));
}
bool is_reply(std::string_view text) {
  return !text.empty() && text.size() <= reply_bytes_max;
}

const detail::text name_kind{"a name of a to z, 0 to 9, -, _ and .", is_name};
const detail::text line_kind{"one line of text, at most 300 bytes", is_line};
const detail::text host_kind{"a domain name in A-labels, such as \"mx.example.com\"", is_host_suffix};
const detail::text reply_kind{"a reply, such as \"450 4.2.1 text\"", is_reply};

// A text that `parse` makes a value of.
template <class Value>
struct parsed {
  std::string what;
  std::optional<Value> (*parse)(std::string_view);
  bool numbers = false;  // a whole number is taken for its digits
  std::string expected() const { return what; }
  void read(const value& v, Value& to, mismatches& wrong) const {
    std::optional<Value> got;
    if (v.kind == value_kind::text) got = parse(v.text);
    if (v.kind == value_kind::integer && numbers) got = parse(std::to_string(v.integer));
    if (!got) return refuse(v, what, wrong);
    to = std::move(*got);
  }
};

// One `item`, or an array of them.
template <class Item>
struct one_or_more {
  Item item;
  std::string expected() const { return item.expected() + ", or an array of such"; }
  template <class Value>
  void read(const value& v, std::vector<Value>& to, mismatches& wrong) const {
    if (v.kind != value_kind::array) return item.read(v, to.emplace_back(empty<Value>()), wrong);
    if (v.items.empty() || v.items.size() > conditions_max) {
      return refuse(v, fmt::format("1 to {} of: {}", conditions_max, item.expected()), wrong);
    }
    for (const value& each : v.items)
      item.read(each, to.emplace_back(empty<Value>()), wrong);
  }

 private:
  template <class Value>
  static Value empty() {
    if constexpr (std::is_same_v<Value, shaping::text_pattern>) {
      return Value("");
    } else {
      return Value{};
    }
  }
};

std::optional<shaping::text_pattern> parse_text_pattern(std::string_view text) {
  shaping::text_pattern pattern(text);
  return pattern.usable() && text.size() <= pattern_bytes_max ? std::optional(std::move(pattern)) : std::nullopt;
}

template <class Enum>
detail::choice<Enum> words_of(Enum first, Enum last) {
  detail::choice<Enum> all;
  for (auto i = static_cast<unsigned>(first); i <= static_cast<unsigned>(last); ++i)
    all.words.emplace_back(to_text(static_cast<Enum>(i)), static_cast<Enum>(i));
  return all;
}

// `to` of slow_down: a share of the present rate, or a rate.
void read_slow_to(const value& v, reply_rule& rule, mismatches& wrong) {
  const std::string_view text = v.kind == value_kind::text ? std::string_view(v.text) : std::string_view();
  if (text.ends_with('%')) {
    const auto share = parse_bytes(text.substr(0, text.size() - 1));
    if (share && *share >= 1 && *share <= 99) {
      rule.what.factor = static_cast<double>(*share) / 100;
      return;
    }
  }
  rule.what.to = shaping::parse_rate(text);
  if (!rule.what.to) refuse(v, "a share from \"1%\" to \"99%\", or a rate such as \"20/m\" (of s, m, h, d)", wrong);
}

const keys<provider_limits>& limit_keys() {
  static const keys<provider_limits> all = [] {
    keys<provider_limits> made;
    for (const auto& f : shaping::limit_fields)
      made.push_back(field(f.name, detail::count{1, shaping::limit_max}, f.field));
    return made;
  }();
  return all;
}

const keys<provider>& provider_keys() {
  const detail::list_of<detail::text> hosts{host_kind, "domain names", 1, names_max};
  const detail::duration wait{shaping::retry_hint_min, shaping::retry_hint_max};
  static const keys<provider> all{
      field("name", name_kind, &provider::name, true),
      field("title", line_kind, &provider::title, true),
      field("mx", hosts, &provider::mx),
      field("domains", hosts, &provider::domains),
      {"greylisting", false, wait.expected(),
       [wait](const value& v, provider& to, mismatches& wrong) { wait.read(v, to.greylisting.emplace(), wrong); }},
  };
  return all;
}

const keys<reply_rule>& rule_keys() {
  const parsed<shaping::code_pattern> code{R"("421" or a class, "4xx" or "5xx")", shaping::parse_code_pattern, true};
  const parsed<shaping::status_pattern> status{R"("4.7.1" or its beginning, "4.7.")", shaping::parse_status_pattern};
  const parsed<shaping::text_pattern> text{fmt::format("text of at most {} bytes, with * for a gap", pattern_bytes_max),
                                           parse_text_pattern};
  const detail::duration wait{wait_min, wait_max};
  const detail::list_of<detail::text> replies{reply_kind, "replies", 0, conditions_max};
  const auto verdicts = words_of(verdict_kind::defer, verdict_kind::suppress);
  const auto concerns = words_of(concern::address, concern::site);
  static const keys<reply_rule> all{
      field("name", name_kind, &reply_rule::name, true),
      field("provider", one_or_more{name_kind}, &reply_rule::providers),
      field("code", one_or_more{code}, &reply_rule::codes),
      field("status", one_or_more{status}, &reply_rule::statuses),
      field("text", one_or_more{text}, &reply_rule::texts),
      field("stage", one_or_more{words_of(stage::connect, stage::end_of_data)}, &reply_rule::stages),
      {"verdict", true, verdicts.expected(),
       [verdicts](const value& v, reply_rule& to, mismatches& wrong) { verdicts.read(v, to.what.kind, wrong); }},
      {"about", true, concerns.expected(),
       [concerns](const value& v, reply_rule& to, mismatches& wrong) { concerns.read(v, to.what.about, wrong); }},
      {"for", false, wait.expected(),
       [wait](const value& v, reply_rule& to, mismatches& wrong) { wait.read(v, to.what.duration, wrong); }},
      {"to", false, "", read_slow_to},
      field("why", line_kind, &reply_rule::why, true),
      field("samples", replies, &reply_rule::samples),
      field("not", replies, &reply_rule::counter_examples),
  };
  return all;
}

// What a verdict needs beside it.
struct verdict_needs {
  bool duration = false, no_duration = false, to = false;
};
verdict_needs needs_of(verdict_kind k) {
  switch (k) {
    case verdict_kind::greylisted:
    case verdict_kind::hold_site:
    case verdict_kind::close_window:
    case verdict_kind::hold_account:
      return {.duration = true};
    case verdict_kind::slow_down:
      return {.to = true};
    case verdict_kind::fail:
    case verdict_kind::suppress:
      return {.no_duration = true};
    default:
      return {};
  }
}

class reader {
 public:
  explicit reader(std::string_view file) : file_(file) {}

  shaping::rules read(const value& root) {
    for (const member& top : root.members) {
      if (top.name == "provider") {
        each_table(top, [&](const value& table, const std::string& at) { read_provider(table, at); });
      } else if (top.name == "rule") {
        each_table(top, [&](const value& table, const std::string& at) { read_rule(table, at); });
      } else {
        add(top.line, top.column, top.name, "an unknown section", "", nearest(top.name, {"provider", "rule"}));
      }
    }
    check_provider_names();
    std::stable_sort(errors_.begin(), errors_.end(), [](const config_error& a, const config_error& b) {
      return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    return {shaping::provider_table(std::move(providers_)), shaping::rule_book(std::move(rules_))};
  }
  std::vector<config_error> take_errors() { return std::move(errors_); }

 private:
  void add(unsigned line, unsigned column, std::string at, std::string found, std::string expected,
           std::string near = "") {
    errors_.push_back({file_, line, column, std::move(at), std::move(found), std::move(expected), std::move(near)});
  }

  // Calls `each(table, key)` for the tables of [[name]], keys counted from 1 as people do.
  template <class Each>
  void each_table(const member& top, Each each) {
    const auto& items = top.content.items;
    const bool tables = top.content.kind == value_kind::array &&
                        std::all_of(items.begin(), items.end(), [](auto& v) { return v.kind == value_kind::table; });
    if (!tables) {
      return add(top.line, top.column, top.name, detail::cite(top.content),
                 fmt::format("an array of tables: [[{}]]", top.name));
    }
    std::size_t number = 0;
    for (const value& table : items)
      each(table, fmt::format("{}[{}]", top.name, ++number));
  }

  template <class Owner>
  void read_table(const value& table, const std::string& at, const keys<Owner>& known, Owner& to,
                  std::string_view besides = "") {
    std::vector<std::string> names;
    for (const key<Owner>& k : known) {
      names.emplace_back(k.name);
      const bool there =
          std::any_of(table.members.begin(), table.members.end(), [&](const member& m) { return m.name == k.name; });
      if (k.required && !there) add(table.line, table.column, fmt::format("{}.{}", at, k.name), "nothing", k.expected);
    }
    if (!besides.empty()) names.emplace_back(besides);
    for (const member& m : table.members) {
      if (m.name == besides) continue;
      const auto found = std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.name == m.name; });
      if (found == known.end()) {
        add(m.line, m.column, at + "." + m.name, "an unknown key", "", nearest(m.name, names));
        continue;
      }
      mismatches wrong;
      found->read(m.content, to, wrong);
      for (mismatch& w : wrong)
        add(w.line, w.column, at + "." + m.name, std::move(w.found), std::move(w.expected), std::move(w.nearest));
    }
  }

  static const member* find(const value& table, std::string_view name) {
    const auto found =
        std::find_if(table.members.begin(), table.members.end(), [&](auto& m) { return m.name == name; });
    return found == table.members.end() ? nullptr : &*found;
  }

  void read_provider(const value& table, const std::string& at) {
    provider& to = providers_.emplace_back();
    read_table(table, at, provider_keys(), to, "limits");
    if (const member* limits = find(table, "limits")) {
      if (limits->content.kind == value_kind::table) {
        read_table(limits->content, at + ".limits", limit_keys(), to.limits);
      } else {
        add(limits->line, limits->column, at + ".limits", detail::cite(limits->content), "a table of limits");
      }
    }
    if (to.mx.empty() && to.domains.empty()) {
      add(table.line, table.column, at, "neither `mx` nor `domains`", "at least one, so that it can be recognised");
    }
    claim(names_, to.name, table, at + ".name", "a provider's name that is used once");
    claim_hosts(suffixes_, table, at, "mx");
    claim_hosts(domains_, table, at, "domains");
  }

  // A suffix or domain belongs to one provider: of two, the second would never have it.
  void claim_hosts(std::map<std::string, std::string>& taken, const value& table, const std::string& at,
                   std::string_view name) {
    const member* list = find(table, name);
    if (list == nullptr) return;
    for (const value& host : list->content.items)
      claim(taken, shaping::canonical_name(host.text), host, fmt::format("{}.{}", at, name),
            "a name that is used once");
  }

  void claim(std::map<std::string, std::string>& taken, const std::string& name, const value& where,
             const std::string& at, std::string expected) {
    if (name.empty()) return;
    const auto [before, first] = taken.try_emplace(name, at);
    if (!first) {
      add(where.line, where.column, at, fmt::format("{} again, after {}", detail::quote(name), before->second),
          std::move(expected));
    }
  }

  void read_rule(const value& table, const std::string& at) {
    reply_rule& to = rules_.emplace_back();
    to.line = table.line;
    read_table(table, at, rule_keys(), to);
    claim(rule_names_, to.name, table, at + ".name", "a rule's name that is used once");
    if (!find(table, "code") && !find(table, "status") && !find(table, "text")) {
      add(table.line, table.column, at, "no condition", "at least one of `code`, `status` and `text`");
    }
    check_verdict(table, at, to.what);
    if (const member* of = find(table, "provider")) {
      if (of->content.kind != value_kind::array) named_.push_back({&of->content, at});
      for (const value& each : of->content.items)
        named_.push_back({&each, at});
    }
  }

  void check_verdict(const value& table, const std::string& at, const shaping::verdict& what) {
    if (find(table, "verdict") == nullptr) return;
    const verdict_needs needs = needs_of(what.kind);
    const member* duration = find(table, "for");
    const member* to = find(table, "to");
    const auto kind = to_text(what.kind);
    if (needs.duration && duration == nullptr) {
      add(table.line, table.column, at + ".for", "nothing", fmt::format("a duration: {} needs one", kind));
    }
    if (needs.no_duration && duration != nullptr) {
      add(duration->line, duration->column, at + ".for", "a duration", fmt::format("none: {} is for good", kind));
    }
    if (needs.to && to == nullptr) {
      add(table.line, table.column, at + ".to", "nothing", R"(what to slow down to, such as "50%" or "20/m")");
    }
    if (!needs.to && to != nullptr) {
      add(to->line, to->column, at + ".to", detail::cite(to->content), "nothing: only slow_down has `to`");
    }
  }

  void check_provider_names() {
    std::vector<std::string> known;
    for (const provider& p : providers_)
      known.push_back(p.name);
    for (const auto& [where, at] : named_) {
      if (where->kind != value_kind::text || std::find(known.begin(), known.end(), where->text) != known.end())
        continue;
      add(where->line, where->column, at + ".provider", detail::cite(*where), "the name of a provider in this file",
          nearest(where->text, known));
    }
  }

  struct named_provider {
    const value* where;
    std::string at;
  };

  std::string file_;
  std::vector<provider> providers_;
  std::vector<reply_rule> rules_;
  std::vector<config_error> errors_;
  std::vector<named_provider> named_;
  std::map<std::string, std::string> names_, rule_names_, suffixes_, domains_;  // to the key that had it first
};

}  // namespace

std::expected<shaping::rules, std::vector<config_error>> parse_rules(std::string_view text,
                                                                     std::string_view file_name) {
  const auto root = detail::read_toml(text);
  if (!root) {
    const detail::syntax_error& error = root.error();
    return std::unexpected(std::vector{config_error{std::string(file_name), error.line, error.column, "",
                                                    "a syntax error", "TOML: " + error.text, ""}});
  }
  reader from(file_name);
  shaping::rules result = from.read(*root);
  if (auto errors = from.take_errors(); !errors.empty()) return std::unexpected(std::move(errors));
  return result;
}

std::expected<shaping::rules, std::vector<config_error>> load_rules(const std::string& path) {
  if (path.empty()) return parse_rules(shipped_rules_text(), shipped_rules_name);
  const auto text = read_file(path);
  if (!text) {
    return std::unexpected(std::vector{config_error{path, 0, 0, "", text.error(), "a file that can be read", ""}});
  }
  return parse_rules(*text, path);
}

}  // namespace gonets::config
