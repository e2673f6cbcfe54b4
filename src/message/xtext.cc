#include "message/xtext.h"

namespace gonets::message {
namespace {

bool is_xchar(char c) {
  return c >= '!' && c <= '~' && c != '+' && c != '=';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string encode_xtext(std::string_view octets) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  text.reserve(octets.size());
  for (const char c : octets) {
    if (is_xchar(c)) {
      text += c;
    } else {
      const auto octet = static_cast<unsigned char>(c);
      text += {'+', digits[octet >> 4], digits[octet & 15]};
    }
  }
  return text;
}

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string octets;
  octets.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_xchar(text[i])) {
      octets += text[i];
      continue;
    }
    if (text[i] != '+' || text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    octets += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return octets;
}

}  // namespace gonets::message
