#include "runtime/dns_name.h"

#include <fmt/format.h>
#include <idn2.h>

#include <algorithm>
#include <iterator>

namespace gonets::runtime {
namespace {

constexpr std::size_t label_octets_max = 63;
constexpr std::size_t name_octets_max = 253;  // of text; 255 on the wire

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::optional<std::string> ascii_of(std::string_view name) {
  const std::string terminated(name);
  // A NUL would end the name early, and ask for another one than was meant.
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  char* converted = nullptr;
  if (idn2_to_ascii_8z(terminated.c_str(), &converted, IDN2_NONTRANSITIONAL) != IDN2_OK) return std::nullopt;
  std::string result(converted);
  idn2_free(converted);
  return result;
}

bool is_valid(std::string_view name) {
  if (name.empty() || name.size() > name_octets_max) return false;
  std::size_t label_octets = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label_octets == 0) return false;
      label_octets = 0;
    } else if (!is_name_char(c) || ++label_octets > label_octets_max) {
      return false;
    }
  }
  return label_octets != 0;
}

}  // namespace

std::optional<std::string> to_a_labels(std::string_view name) {
  std::string result(name);
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    auto ascii = ascii_of(name);
    if (!ascii) return std::nullopt;
    result = std::move(*ascii);
  }
  if (!result.empty() && result.back() == '.') result.pop_back();
  std::transform(result.begin(), result.end(), result.begin(), to_lower);
  if (!is_valid(result)) return std::nullopt;
  return result;
}

std::optional<std::string> to_u_labels(std::string_view name) {
  const std::string terminated(name);
  if (terminated.find("xn--") == std::string::npos || terminated.find('\0') != std::string::npos) return std::nullopt;
  char* converted = nullptr;
  if (idn2_to_unicode_8z8z(terminated.c_str(), &converted, IDN2_NONTRANSITIONAL) != IDN2_OK) return std::nullopt;
  std::string result(converted);
  idn2_free(converted);
  if (result == name) return std::nullopt;
  return result;
}

std::optional<std::string> name_from_wire(std::span<const std::uint8_t> wire) {
  std::string result;
  while (true) {
    if (wire.empty()) return std::nullopt;
    const std::size_t length = wire.front();
    if (length == 0) return result;
    if (length > label_octets_max || wire.size() < length + 1) return std::nullopt;
    if (!result.empty()) result.push_back('.');
    for (const std::uint8_t octet : wire.subspan(1, length)) {
      const char c = to_lower(static_cast<char>(octet));
      if (is_name_char(c)) {
        result.push_back(c);
      } else {
        fmt::format_to(std::back_inserter(result), "\\{:03}", octet);
      }
    }
    wire = wire.subspan(length + 1);
  }
}

}  // namespace gonets::runtime
