#include "bounce/reply_text.h"

#include <optional>

namespace gonets::bounce {
namespace {

constexpr std::size_t looked_at_max = 4096;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

// "5.7.26" at the start of `text`, not followed by more of a number or name.
std::optional<enhanced_status> status_at(std::string_view text) {
  if (text.size() < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5') || text[1] != '.') return std::nullopt;
  std::size_t size = 2, dots = 1;
  while (size < text.size() && (is_digit(text[size]) || (text[size] == '.' && dots == 1))) {
    if (text[size] == '.') ++dots;
    ++size;
  }
  if (dots != 2 || text[size - 1] == '.') return std::nullopt;
  // An address such as 5.1.1.7 is no status; "5.1.1." at the end of a sentence is one.
  if (size < text.size() && is_word(text[size])) return std::nullopt;
  if (size + 1 < text.size() && text[size] == '.' && is_digit(text[size + 1])) return std::nullopt;
  return parse_enhanced_status(text.substr(0, size));
}

bool is_code(std::string_view text) {
  return text.size() >= 3 && (text[0] == '4' || text[0] == '5') && text[1] >= '0' && text[1] <= '9' &&
         is_digit(text[2]);
}

// Where servers' codes stand: at the start, or after what introduces a quotation.
bool may_be_code(std::string_view before) {
  while (!before.empty() && before.back() == ' ')
    before.remove_suffix(1);
  if (before.empty()) return true;
  const char c = before.back();
  if (c == ':' || c == ';' || c == '"' || c == '\'' || c == '\n' || c == '<' || c == '(' || c == '[' || c == '=' ||
      c == '#' || c == ')' || c == ']' || c == '-' || c == '>' || c == '|' || c == ',') {
    return true;
  }
  for (const std::string_view word : {"said", "error", "Error", "smtp", "SMTP", "code", "reply", "response", "returned",
                                      "with", "status", "reason"}) {
    if (before.ends_with(word)) return true;
  }
  return false;
}

}  // namespace

reply_codes find_codes(std::string_view text) {
  text = text.substr(0, looked_at_max);
  reply_codes found;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_digit(text[i]) || (i > 0 && (is_word(text[i - 1]) || text[i - 1] == '.'))) continue;
    const std::string_view rest = text.substr(i);
    if (!found.status.present()) {
      if (const auto status = status_at(rest)) found.status = *status;
    }
    if (found.code != 0 || !is_code(rest)) continue;
    const char next = rest.size() > 3 ? rest[3] : ' ';
    const bool at_end = next == ' ' || next == '-' || next == '\r' || next == '\n' || next == '\t' || next == ':' ||
                        next == '"' || next == ')' || next == '#' || next == ';' || next == ',' || next == '_';
    if (!at_end) continue;
    if (next == ' ' && rest.size() > 4 && status_at(rest.substr(4))) {
      found.code = static_cast<std::uint16_t>((rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0'));
    } else if (may_be_code(text.substr(0, i)) && rest[1] <= '7') {
      found.code = static_cast<std::uint16_t>((rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0'));
    }
  }
  return found;
}

}  // namespace gonets::bounce
