// Tables within tables, read by declarations like those of the file itself. What does not fit is told where it stands.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "config/declarations.h"
#include "shaping/limit_fields.h"

namespace gonets::config::detail {

template <class Owner>
void read_nested(const value& table, const std::vector<declaration<Owner>>& declared, Owner& to, mismatches& wrong) {
  for (const member& m : table.members) {
    const auto found = std::find_if(declared.begin(), declared.end(), [&](const auto& d) { return d.name == m.name; });
    if (found != declared.end()) {
      found->read(m.content, to, wrong);
      continue;
    }
    std::vector<std::string> names;
    for (const auto& d : declared)
      names.emplace_back(d.name);
    wrong.push_back({m.line, m.column, fmt::format("an unknown key {}", quote(m.name)), "", nearest(m.name, names)});
  }
  for (const auto& d : declared) {
    const bool there =
        std::any_of(table.members.begin(), table.members.end(), [&](const member& m) { return m.name == d.name; });
    if (d.required && !there) wrong.push_back({table.line, table.column, fmt::format("no {}", d.name), d.expected, ""});
  }
}

// A table of limits: { messages_a_day = 500 }.
struct limits_table {
  std::string expected() const;
  void read(const value& v, shaping::provider_limits& to, mismatches& wrong) const;
  std::string write(const shaping::provider_limits& limits) const;
};

// A secret: never cited, never written.
struct secret_text {
  bool (*valid)(std::string_view);
  std::string_view what;
  std::string expected() const { return std::string(what); }
  void read(const value& v, std::string& to, mismatches& wrong) const;
  std::string write(const std::string& s) const { return s.empty() ? "\"\"" : "\"...\""; }
};

}  // namespace gonets::config::detail
