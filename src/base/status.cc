#include "base/status.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace gonets {
namespace {

// Reads up to three digits at `text`'s start and takes them off; nothing if there is none, or a fourth.
std::optional<std::uint16_t> take_number(std::string_view& text) {
  std::uint16_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const auto length = static_cast<std::size_t>(stop - text.data());
  if (error != std::errc{} || length == 0 || length > 3) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

bool take_dot(std::string_view& text) {
  if (text.empty() || text.front() != '.') return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string to_text(enhanced_status status) {
  if (!status.present()) return {};
  return fmt::format("{}.{}.{}", status.klass, status.subject, status.detail);
}

std::optional<enhanced_status> parse_enhanced_status(std::string_view text) {
  if (text.size() < 5 || text[1] != '.') return std::nullopt;
  const char klass = text[0];
  if (klass != '2' && klass != '4' && klass != '5') return std::nullopt;
  text.remove_prefix(2);
  const auto subject = take_number(text);
  if (!subject || !take_dot(text)) return std::nullopt;
  const auto detail = take_number(text);
  if (!detail || (!text.empty() && text.front() != ' ')) return std::nullopt;
  return enhanced_status{static_cast<std::uint8_t>(klass - '0'), *subject, *detail};
}

std::string to_text(const reply& r) {
  if (!r.status.present()) return fmt::format("{} {}", r.code, r.text);
  return fmt::format("{} {} {}", r.code, to_text(r.status), r.text);
}

std::string_view to_text(stage s) {
  static constexpr std::array<std::string_view, 11> names = {
      "none", "resolve", "connect", "greeting", "tls", "ehlo", "auth", "mail", "rcpt", "data", "end_of_data"};
  const auto number = static_cast<std::size_t>(s);
  return number < names.size() ? names[number] : std::string_view("unknown");
}

}  // namespace gonets
