#include "smtp/reply_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace gonets::smtp {
namespace {

constexpr std::size_t text_bytes_max = 490;  // leaves room for "550-5.123.123 " and CRLF in 512

bool is_control(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
}

void append_line(std::string& to, std::uint16_t code, char separator, enhanced_status status, std::string_view text) {
  auto out = std::back_inserter(to);
  fmt::format_to(out, "{}{}", code, separator);
  if (status.present()) fmt::format_to(out, "{}.{}.{} ", status.klass, status.subject, status.detail);
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  const auto begin = to.size();
  to += text.substr(0, text_bytes_max);
  std::replace_if(to.begin() + static_cast<std::ptrdiff_t>(begin), to.end(), is_control, '?');
  to += "\r\n";
}

}  // namespace

void append_reply(std::string& to, std::uint16_t code, enhanced_status status, std::string_view text) {
  for (;;) {
    const auto end = text.find('\n');
    const bool last = end == std::string_view::npos;
    append_line(to, code, last ? ' ' : '-', status, text.substr(0, end));
    if (last) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace gonets::smtp
