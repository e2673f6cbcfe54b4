#include "config/presets.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <tuple>

#include "base/network.h"
#include "base/text.h"
#include "config/detail/declare.h"
#include "config/detail/nested.h"
#include "config/routes.h"

namespace gonets::config {
namespace {

using detail::member;
using detail::mismatch;
using detail::mismatches;
using detail::setting;
using detail::value;
using detail::value_kind;

bool is_preset_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}
bool is_line(std::string_view text) {
  return !text.empty() && text.size() <= 300 && text.find('\n') == std::string_view::npos;
}

bool is_https_url(std::string_view text) {
  return is_line(text) && text.starts_with("https://");
}

// Certificates bear names, so that an address would be of no use.
void read_target(const value& v, preset& to, mismatches& wrong) {
  const auto target = v.kind == value_kind::text ? parse_target(v.text) : std::nullopt;
  if (!target || target->kind != route_kind::smtp || parse_address(target->host)) {
    return detail::refuse(v, R"("smtp://host:port" or "smtps://host:port", with a host's name)", wrong);
  }
  to.target = *target;
}

const std::vector<declaration<preset>>& preset_declarations() {
  static const std::vector<declaration<preset>> all = [] {
    declaration<preset> target{.name = "to", .required = true, .read = read_target};
    target.expected = "a submission server";
    return std::vector{
        detail::required(setting<&preset::name>(
            "name", detail::reload, detail::text{"a name of a to z, 0 to 9, -, _ and .", is_preset_name}, "")),
        detail::required(setting<&preset::title>("title", detail::reload,
                                                 detail::text{"one line of text, at most 300 bytes", is_line}, "")),
        setting<&preset::token_url>("token_url", detail::reload, detail::text{"an https:// URL", is_https_url}, ""),
        setting<&preset::token_scope>("token_scope", detail::reload, detail::text{"one line of text", is_line}, ""),
        target,
        setting<&preset::limits>("limits", detail::reload, detail::limits_table{}, "")};
  }();
  return all;
}

}  // namespace

std::expected<std::vector<preset>, std::vector<config_error>> parse_presets(std::string_view text,
                                                                            std::string_view file_name) {
  const std::string file(file_name);
  const auto root = detail::read_toml(text);
  if (!root) {
    const auto& e = root.error();
    return std::unexpected(
        std::vector{config_error{file, e.line, e.column, "", "a syntax error", "TOML: " + e.text, ""}});
  }
  std::vector<preset> all;
  std::vector<config_error> errors;
  std::set<std::string> names;
  const auto read = [&](const value& table) {
    const auto key = fmt::format("preset[{}]", all.size() + 1);
    preset& made = all.emplace_back();
    mismatches wrong;
    detail::read_nested(table, preset_declarations(), made, wrong);
    for (mismatch& w : wrong)
      errors.push_back({file, w.line, w.column, key, std::move(w.found), std::move(w.expected), std::move(w.nearest)});
    if (!made.name.empty() && !names.insert(made.name).second) {
      errors.push_back({file, table.line, table.column, key, detail::quote(made.name) + " again",
                        "a preset's name that is used once", ""});
    }
  };
  for (const member& top : root->members) {
    const auto& items = top.content.items;
    const bool tables = top.content.kind == value_kind::array &&
                        std::all_of(items.begin(), items.end(), [](auto& v) { return v.kind == value_kind::table; });
    if (top.name != "preset" || !tables) {
      errors.push_back({file, top.line, top.column, top.name, "something else", "[[preset]] tables alone", ""});
      continue;
    }
    for (const value& table : items)
      read(table);
  }
  if (errors.empty()) return all;
  std::stable_sort(errors.begin(), errors.end(), [](const config_error& a, const config_error& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return std::unexpected(std::move(errors));
}

const std::vector<preset>& shipped_presets() {
  static const std::vector<preset> all = [] {
    auto read = parse_presets(shipped_presets_text(), shipped_presets_name);
    if (!read) throw std::logic_error(to_text(read.error().front()));
    return std::move(*read);
  }();
  return all;
}

const preset* find_preset(std::string_view name) {
  const auto& all = shipped_presets();
  const auto found = std::find_if(all.begin(), all.end(), [&](const preset& p) { return p.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace gonets::config
