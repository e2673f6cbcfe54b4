#include "config/detail/nested.h"

#include "config/detail/kinds.h"

namespace gonets::config::detail {

std::string limits_table::expected() const {
  std::string names;
  for (const auto& f : shaping::limit_fields)
    names += (names.empty() ? "" : ", ") + std::string(f.name);
  return fmt::format("a table of {}", names);
}

void limits_table::read(const value& v, shaping::provider_limits& to, mismatches& wrong) const {
  if (v.kind != value_kind::table) return refuse(v, expected(), wrong);
  std::vector<std::string> names;
  for (const auto& f : shaping::limit_fields)
    names.emplace_back(f.name);
  for (const member& m : v.members) {
    const auto* const found = std::find_if(shaping::limit_fields.begin(), shaping::limit_fields.end(),
                                           [&](const auto& f) { return f.name == m.name; });
    if (found == shaping::limit_fields.end()) {
      wrong.push_back({m.line, m.column, fmt::format("an unknown key {}", quote(m.name)), "", nearest(m.name, names)});
    } else {
      count{1, shaping::limit_max}.read(m.content, (to.*(found->field)), wrong);
    }
  }
}

std::string limits_table::write(const shaping::provider_limits& limits) const {
  std::string text;
  for (const auto& f : shaping::limit_fields) {
    if (limits.*(f.field)) text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", f.name, *(limits.*(f.field)));
  }
  return text.empty() ? "{}" : "{ " + text + " }";
}

void secret_text::read(const value& v, std::string& to, mismatches& wrong) const {
  if (v.kind != value_kind::text || !valid(v.text)) {
    wrong.push_back({v.line, v.column, "something else", expected(), ""});
    return;
  }
  to = v.text;
}

}  // namespace gonets::config::detail
