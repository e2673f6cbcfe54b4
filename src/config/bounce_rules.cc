#include "config/bounce_rules.h"

#include <fmt/format.h>

#include <stdexcept>

#include "base/text.h"
#include "config/detail/value.h"

namespace gonets::config {
namespace {

using bounce::concept_words;
using bounce::rule;
using detail::member;
using detail::value;
using detail::value_kind;

class reader {
 public:
  explicit reader(std::string_view file) : file_(file) {}

  bounce::rule_file read(const value& root) {
    bounce::rule_file to;
    for (const member& top : root.members) {
      if (top.name == "concept") {
        for (const value& table : tables_of(top))
          read_concept(table, to.concepts.emplace_back());
      } else if (top.name == "rule") {
        for (const value& table : tables_of(top))
          read_rule(table, to.rules.emplace_back());
      } else {
        wrong(top, "an unknown section", "[[concept]] or [[rule]]", nearest(top.name, {"concept", "rule"}));
      }
    }
    return to;
  }
  std::vector<config_error> take_errors() { return std::move(errors_); }

 private:
  void wrong(const member& at, std::string found, std::string expected, std::string near = "") {
    errors_.push_back({file_, at.line, at.column, at.name, std::move(found), std::move(expected), std::move(near)});
  }

  const std::vector<value>& tables_of(const member& top) {
    static const std::vector<value> nothing;
    const auto& items = top.content.items;
    for (const value& each : items) {
      if (each.kind == value_kind::table) continue;
      wrong(top, detail::cite(each), "an array of tables");
      return nothing;
    }
    return items;
  }

  void read(const member& from, std::string& to) {
    if (from.content.kind != value_kind::text) return wrong(from, detail::cite(from.content), "a text");
    to = from.content.text;
  }
  void read(const member& from, bool& to) {
    if (from.content.kind != value_kind::boolean) return wrong(from, detail::cite(from.content), "true or false");
    to = from.content.boolean;
  }
  void read(const member& from, std::vector<std::string>& to) {
    for (const value& each : from.content.items) {
      if (each.kind != value_kind::text) return wrong(from, detail::cite(each), "a list of texts");
      to.push_back(each.text);
    }
    if (to.empty()) wrong(from, detail::cite(from.content), "a list of texts");
  }
  void read(const member& from, unsigned& to, unsigned least, unsigned most) {
    const auto& v = from.content;
    if (v.kind != value_kind::integer || v.integer < least || v.integer > most) {
      return wrong(from, detail::cite(v), fmt::format("a whole number from {} to {}", least, most));
    }
    to = static_cast<unsigned>(v.integer);
  }

  void read_concept(const value& table, concept_words& to) {
    to.line = table.line;
    for (const member& m : table.members) {
      if (m.name == "name")
        read(m, to.name);
      else if (m.name == "words")
        read(m, to.words);
      else if (m.name == "negatable")
        read(m, to.negatable);
      else if (m.name == "in_hosts")
        read(m, to.in_hosts);
      else
        wrong(m, "an unknown key", "", nearest(m.name, {"name", "words", "negatable", "in_hosts"}));
    }
    if (to.name.empty() || to.words.empty()) incomplete(table, "`name` and `words`");
  }

  void read_rule(const value& table, rule& to) {
    to.line = table.line;
    std::string category;
    for (const member& m : table.members) {
      if (m.name == "name")
        read(m, to.name);
      else if (m.name == "category")
        read(m, category);
      else if (m.name == "weight")
        read(m, to.weight, 1, 100);
      else if (m.name == "within")
        read(m, to.within, 0, 100);
      else if (m.name == "all")
        read(m, to.all);
      else if (m.name == "unless")
        read(m, to.unless);
      else if (m.name == "phrases")
        read(m, to.phrases);
      else if (m.name == "codes")
        read(m, to.codes);
      else if (m.name == "statuses")
        read(m, to.statuses);
      else if (m.name == "samples")
        read(m, to.samples);
      else
        wrong(m, "an unknown key", "",
              nearest(m.name, {"name", "category", "weight", "within", "all", "unless", "phrases", "codes", "statuses",
                               "samples"}));
    }
    const auto known = bounce::parse_category(category);
    if (known) to.is = *known;
    if (to.name.empty() || !known || to.weight == 0 || to.samples.empty()) {
      incomplete(table, "`name`, `category` of docs/bounces.md, `weight` and `samples`");
    }
  }

  void incomplete(const value& table, std::string expected) {
    errors_.push_back({file_, table.line, table.column, "", "an incomplete table", std::move(expected), ""});
  }

  std::string file_;
  std::vector<config_error> errors_;
};

}  // namespace

std::expected<bounce::rule_file, std::vector<config_error>> parse_bounce_rules(std::string_view text,
                                                                               std::string_view file_name) {
  const auto root = detail::read_toml(text);
  if (!root) {
    const auto& e = root.error();
    return std::unexpected(std::vector{
        config_error{std::string(file_name), e.line, e.column, "", "a syntax error", "TOML: " + e.text, ""}});
  }
  reader from(file_name);
  auto read = from.read(*root);
  if (auto errors = from.take_errors(); !errors.empty()) return std::unexpected(std::move(errors));
  return read;
}

const bounce::classifier& shipped_classifier() {
  static const bounce::classifier made = [] {
    auto read = parse_bounce_rules(shipped_bounce_rules_text(), shipped_bounce_rules_name);
    if (!read) throw std::logic_error(to_text(read.error().front()));
    std::vector<std::string> faults;
    bounce::classifier all(std::move(*read), faults);
    if (!faults.empty()) throw std::logic_error(fmt::format("{}:{}", shipped_bounce_rules_name, faults.front()));
    return all;
  }();
  return made;
}

}  // namespace gonets::config
