#include "message/detail/printable.h"

#include <algorithm>

namespace gonets::message::detail {
namespace {

constexpr std::size_t field_line_bytes_wanted = 78;  // RFC 5322 2.1.1
constexpr std::size_t text_line_bytes_wanted = 76;
constexpr std::size_t word_bytes_max = 900;  // well under the 998 of RFC 5322 2.1.1

unsigned char octet_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

bool is_continuation(unsigned char c) {
  return (c & 0xc0) == 0x80;
}

// Length of the character at `i`, whose first octet is over 127; 0 when it is not valid (RFC 3629 4) or a C1 control.
std::size_t utf8_length(std::string_view text, std::size_t i) {
  const auto first = octet_at(text, i);
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() - i < length) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    if (!is_continuation(octet_at(text, i + k))) return 0;
  }
  const auto second = octet_at(text, i + 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second > 0x9f;
  const bool beyond_unicode = first == 0xf4 && second > 0x8f;
  const bool c1_control = first == 0xc2 && second < 0xa0;
  return overlong || surrogate || beyond_unicode || c1_control ? 0 : length;
}

// Cuts `text` to at most `bytes_max`, not within a character.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  auto end = bytes_max;
  while (end > 0 && bytes_max - end < 3 && is_continuation(octet_at(text, end)))
    --end;
  return text.substr(0, end);
}

// Takes the next word off the front of `text`; empty when there is none left.
std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto word = cut(text.substr(0, text.find(' ')), word_bytes_max);
  text.remove_prefix(word.size());
  return word;
}

}  // namespace

bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text)
    all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

std::string printable(std::string_view text, charset allowed, std::size_t bytes_max) {
  const bool too_long = text.size() > bytes_max;
  if (too_long) text = cut(text, bytes_max - 3);
  std::string clean;
  clean.reserve(text.size() + 3);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = octet_at(text, i);
    if (c < 0x20 || c == 0x7f) {
      clean += ' ';
    } else if (c < 0x80) {
      clean += text[i];
    } else if (const auto length = allowed == charset::utf8 ? utf8_length(text, i) : 0; length > 0) {
      clean += text.substr(i, length);
      i += length - 1;
    } else {
      clean += '?';
    }
  }
  if (too_long) clean += "...";
  return clean;
}

void append_field(std::string& to, std::string_view name, std::string_view value) {
  auto line_start = to.size();
  to += name;
  to += ':';
  for (auto word = take_word(value); !word.empty(); word = take_word(value)) {
    const auto used = to.size() - line_start;
    // Never before the first word: a field whose first line is blank is lost on some readers.
    const bool first = used == name.size() + 1;
    if (!first && used + 1 + word.size() > field_line_bytes_wanted) {
      to += "\r\n";
      line_start = to.size();
    }
    to += ' ';
    to += word;
  }
  to += "\r\n";
}

void append_unfolded_field(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ").append(value).append("\r\n");
}

void append_wrapped(std::string& to, std::size_t indent, std::string_view text) {
  auto line_start = to.size();
  for (auto word = take_word(text); !word.empty(); word = take_word(text)) {
    const auto used = to.size() - line_start;
    if (used > 0 && used + 1 + word.size() > text_line_bytes_wanted) {
      to += "\r\n";
      line_start = to.size();
    }
    if (to.size() == line_start) {
      to.append(indent, ' ');
    } else {
      to += ' ';
    }
    to += word;
  }
  to += "\r\n";
}

}  // namespace gonets::message::detail
