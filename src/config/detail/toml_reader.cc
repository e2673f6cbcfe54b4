#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <tuple>

#include "config/detail/value.h"

namespace gonets::config::detail {
namespace {

// A long value would push the rest of the error out of sight.
constexpr std::size_t cited_bytes_max = 60;

value convert(const toml::node& node);

value convert_table(const toml::table& table) {
  value v{.kind = value_kind::table};
  for (auto&& [key, content] : table) {
    const auto at = key.source().begin;
    v.members.push_back({std::string(key.str()), at.line, at.column, convert(content)});
  }
  // The parser keeps a table sorted by name.
  std::sort(v.members.begin(), v.members.end(),
            [](const member& a, const member& b) { return std::tie(a.line, a.column) < std::tie(b.line, b.column); });
  return v;
}

value convert(const toml::node& node) {
  value v;
  if (const toml::table* table = node.as_table()) {
    v = convert_table(*table);
  } else if (const toml::array* array = node.as_array()) {
    v.kind = value_kind::array;
    for (const toml::node& item : *array)
      v.items.push_back(convert(item));
  } else if (const auto* text = node.as_string()) {
    v.kind = value_kind::text;
    v.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    v.kind = value_kind::integer;
    v.integer = integer->get();
  } else if (const auto* real = node.as_floating_point()) {
    v.kind = value_kind::real;
    v.real = real->get();
  } else if (const auto* boolean = node.as_boolean()) {
    v.kind = value_kind::boolean;
    v.boolean = boolean->get();
  }
  v.line = node.source().begin.line;
  v.column = node.source().begin.column;
  return v;
}

}  // namespace

std::string cite(const value& v) {
  switch (v.kind) {
    case value_kind::text: {
      std::string shown = "\"";
      for (const char c : v.text.substr(0, cited_bytes_max)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
          shown += fmt::format("\\x{:02x}", byte);
        } else {
          shown += c;
        }
      }
      return shown + (v.text.size() > cited_bytes_max ? "...\"" : "\"");
    }
    case value_kind::integer:
      return fmt::format("{}", v.integer);
    case value_kind::real:
      return fmt::format("{}", v.real);
    case value_kind::boolean:
      return v.boolean ? "true" : "false";
    case value_kind::array:
      return v.items.empty() ? "an empty array" : "an array";
    case value_kind::table:
      return "a table";
    case value_kind::other:
      break;
  }
  return "a date or time";
}

std::expected<value, syntax_error> read_toml(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (parsed) return convert_table(parsed.table());
  const toml::parse_error& error = parsed.error();
  return std::unexpected(
      syntax_error{error.source().begin.line, error.source().begin.column, std::string(error.description())});
}

}  // namespace gonets::config::detail
