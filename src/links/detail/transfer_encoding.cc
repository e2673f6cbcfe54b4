#include "links/detail/transfer_encoding.h"

#include <algorithm>

#include "base/base64.h"

namespace gonets::links {
namespace {

constexpr std::size_t line_bytes_max = 998;         // RFC 5322 2.1.1
constexpr std::size_t encoded_line_bytes_max = 76;  // RFC 2045 6.7, 6.8
constexpr std::string_view blanks = " \t";
constexpr std::string_view hex_digits = "0123456789ABCDEF";

int value_of(char c) {
  if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  const auto at = hex_digits.find(c);
  return at == hex_digits.npos ? -1 : static_cast<int>(at);
}

// Takes a line off the front of `rest`. Its text has no line end, `ended` tells whether there was one.
std::string_view take_line(std::string_view& rest, bool& ended) {
  const auto end = rest.find("\r\n");
  ended = end != rest.npos;
  const auto line = rest.substr(0, end);
  rest.remove_prefix(ended ? end + 2 : rest.size());
  return line;
}

// False when it is malformed.
bool decode_line(std::string_view line, std::string& to) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '=') {
      if ((line[i] < ' ' && line[i] != '\t') || line[i] == '\x7f') return false;
      to += line[i];
      continue;
    }
    if (i + 2 >= line.size()) return false;
    const int high = value_of(line[i + 1]), low = value_of(line[i + 2]);
    if (high < 0 || low < 0) return false;
    to += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

std::optional<std::string> decode_quoted_printable(std::string_view text) {
  std::string to;
  to.reserve(text.size());
  while (!text.empty()) {
    bool ended = false;
    auto line = take_line(text, ended);
    line = line.substr(0, line.find_last_not_of(blanks) + 1);  // blanks there were added on the way (rule 3)
    const bool soft = line.ends_with('=');
    if (soft) line.remove_suffix(1);
    if (!decode_line(line, to)) return std::nullopt;
    if (ended && !soft) to += "\r\n";
  }
  return to;
}

void encode_line(std::string_view line, std::string& to) {
  std::size_t column = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool last = i + 1 == line.size();
    const bool literal = (c > ' ' && c < '\x7f' && c != '=') || (blanks.find(c) != blanks.npos && !last);
    const std::size_t width = literal ? 1 : 3;
    // One column is kept for the mark of a soft break.
    if (column + width + !last > encoded_line_bytes_max) {
      to += "=\r\n";
      column = 0;
    }
    column += width;
    if (literal) {
      to += c;
    } else {
      const auto octet = static_cast<unsigned char>(c);
      to += {'=', hex_digits[octet >> 4], hex_digits[octet & 15]};
    }
  }
}

std::string encode_quoted_printable(std::string_view text, bool ends_line) {
  std::string to;
  to.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    bool ended = false;
    encode_line(take_line(text, ended), to);
    if (ended) to += "\r\n";
  }
  if (ends_line && !to.ends_with("\r\n")) to += "=\r\n";
  return to;
}

std::optional<std::string> decode_lines_of_base64(std::string_view text) {
  std::string dense;
  dense.reserve(text.size());
  std::copy_if(text.begin(), text.end(), std::back_inserter(dense),
               [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  return decode_base64(dense);
}

std::string encode_lines_of_base64(std::string_view text, std::string_view was) {
  const std::string dense = encode_base64(text);
  std::string to;
  to.reserve(dense.size() + dense.size() / 32);
  for (std::size_t at = 0; at < dense.size(); at += encoded_line_bytes_max) {
    if (at > 0) to += "\r\n";
    to.append(dense, at, encoded_line_bytes_max);
  }
  to += was.substr(was.find_last_not_of("\r\n") + 1);
  return to;
}

bool has_long_line(std::string_view text) {
  while (!text.empty()) {
    bool ended = false;
    if (take_line(text, ended).size() > line_bytes_max) return true;
  }
  return false;
}

}  // namespace

std::optional<transfer_encoding> transfer_encoding_of(std::string_view name) {
  if (name == "7bit" || name == "8bit") return transfer_encoding::lines;
  if (name == "binary") return transfer_encoding::binary;
  if (name == "quoted-printable") return transfer_encoding::quoted_printable;
  if (name == "base64") return transfer_encoding::base64;
  return std::nullopt;
}

std::optional<std::string> decode(std::string_view text, transfer_encoding from) {
  if (from == transfer_encoding::quoted_printable) return decode_quoted_printable(text);
  if (from == transfer_encoding::base64) return decode_lines_of_base64(text);
  return std::string(text);
}

std::optional<std::string> encode(std::string_view text, transfer_encoding to, std::string_view was) {
  if (to == transfer_encoding::quoted_printable) return encode_quoted_printable(text, was.ends_with("\r\n"));
  if (to == transfer_encoding::base64) return encode_lines_of_base64(text, was);
  if (to == transfer_encoding::lines && has_long_line(text)) return std::nullopt;
  return std::string(text);
}

}  // namespace gonets::links
