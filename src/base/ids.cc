#include "base/ids.h"

namespace gonets {
namespace {

constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t text_length = 12;
constexpr int stamp_shift = 19;
constexpr std::int64_t epoch_ms = 1'577'836'800'000;  // 2020-01-01T00:00:00Z

int digit_value(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == 'O') return 0;
  if (c == 'I' || c == 'L') return 1;
  const auto at = digits.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string to_text(message_id id) {
  std::string text(text_length, '0');
  auto rest = id.value;
  for (auto at = text.rbegin(); at != text.rend(); ++at, rest >>= 5)
    *at = digits[rest & 31];
  return text;
}

std::optional<message_id> parse_message_id(std::string_view text) {
  if (text.size() != text_length) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const int digit = digit_value(c);
    if (digit < 0) return std::nullopt;
    value = value << 5 | static_cast<std::uint64_t>(digit);
  }
  if (value == 0) return std::nullopt;
  return message_id{value};
}

message_id first_id_at(std::int64_t unix_ms) {
  return message_id{unix_ms <= epoch_ms ? 0 : static_cast<std::uint64_t>(unix_ms - epoch_ms) << stamp_shift};
}

std::int64_t accepted_at_ms(message_id id) {
  return static_cast<std::int64_t>(id.value >> stamp_shift) + epoch_ms;
}

}  // namespace gonets
