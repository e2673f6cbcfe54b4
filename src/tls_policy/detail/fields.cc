#include "tls_policy/detail/fields.h"

#include <algorithm>

namespace gonets::tls_policy::detail {
namespace {

// %x21-3A / %x3C / %x3E-7E, and "=" beyond the first, which URIs in `rua` have.
bool is_value(std::string_view value) {
  return !value.empty() &&
         std::ranges::all_of(value, [](char c) { return (c > ' ' && c < 0x7f && c != ';') || c == ' ' || c == '\t'; });
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_field_name(std::string_view name) {
  if (name.empty() || name.size() > 32 || !is_alphanumeric(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '.'; });
}

std::optional<std::vector<std::pair<std::string_view, std::string_view>>> record_fields(std::string_view text,
                                                                                        std::string_view version) {
  if (text.size() > record_bytes_max || !text.starts_with(version)) return std::nullopt;
  text = trimmed(text.substr(version.size()));
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  while (!text.empty()) {
    if (text.front() != ';') return std::nullopt;
    text = trimmed(text.substr(1));
    if (text.empty()) break;  // the last delimiter ends the record
    const auto end = std::min(text.find(';'), text.size());
    const auto field = text.substr(0, end);
    text.remove_prefix(end);
    const auto equals = field.find('=');
    if (equals == field.npos) return std::nullopt;
    const auto name = field.substr(0, equals);
    const auto value = trimmed(field.substr(equals + 1));
    if (!is_field_name(name) || !is_value(value)) return std::nullopt;
    fields.emplace_back(name, value);
  }
  return fields;
}

}  // namespace gonets::tls_policy::detail
