#include "bounce/detail/texts.h"

#include <algorithm>
#include <cstdint>

namespace gonets::bounce::detail {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}
bool is_local(char c) {
  return is_alnum(c) || std::string_view("!#$%&*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
}
bool is_domain(char c) {
  return is_alnum(c) || c == '-' || c == '.' || c == '_';
}

// Bytes of the valid UTF-8 character at the front, 0 when there is none.
std::size_t utf8_size(std::string_view s) {
  const auto at = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  const auto tail = [&](std::size_t i) { return (at(i) & 0xC0) == 0x80; };
  const unsigned a = at(0), b = at(1);
  if (a < 0x80) return 1;
  if (a >= 0xC2 && a < 0xE0) return tail(1) ? 2 : 0;
  if (a >= 0xE0 && a < 0xF0) {
    if (!tail(1) || !tail(2) || (a == 0xE0 && b < 0xA0) || (a == 0xED && b >= 0xA0)) return 0;
    return 3;
  }
  if (a >= 0xF0 && a < 0xF5) {
    if (!tail(1) || !tail(2) || !tail(3) || (a == 0xF0 && b < 0x90) || (a == 0xF4 && b >= 0x90)) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

std::string clean(std::string_view text, std::size_t bytes_max) {
  std::string to;
  text = trim(text);
  while (!text.empty()) {
    const std::size_t size = utf8_size(text);
    const char c = text.front();
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (to.size() + std::max<std::size_t>(size, 1) > bytes_max) break;
    if (blank) {
      if (!to.empty() && to.back() != ' ') to.push_back(' ');
    } else if (size == 0 || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      to.push_back('?');
    } else {
      to.append(text.substr(0, size));
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return std::string(trim(to));
}

std::vector<std::string> find_addresses(std::string_view text, std::size_t max) {
  std::vector<std::string> found;
  for (std::size_t at = text.find('@'); at != std::string_view::npos && found.size() < max;
       at = text.find('@', at + 1)) {
    std::size_t from = at, to = at + 1;
    while (from > 0 && at - from < 64 && is_local(text[from - 1]))
      --from;
    // In a text without spaces a sentence goes on where the script changes.
    const auto ascii = [&](std::size_t i) { return i < text.size() && static_cast<unsigned char>(text[i]) < 0x80; };
    const bool ascii_domain = ascii(at + 1);
    while (to < text.size() && to - at < 254 && is_domain(text[to]) && (!ascii_domain || ascii(to)))
      ++to;
    if (at > 0 && ascii(at - 1)) {
      for (std::size_t i = at; i > from; --i) {
        if (ascii(i - 1)) continue;
        from = i;
        break;
      }
    }
    // "To:a@b", "rcpt=a@b" and "...a@b" have marks before it that are none of its; so has a sentence after it.
    for (std::size_t i = at; i > from; --i) {
      if (text[i - 1] == '=' && from + 8 >= i) {
        from = i;
        break;
      }
    }
    while (from < at &&
           (text[from] == '.' || text[from] == '-' || text[from] == '\'' || text[from] == '`' || text[from] == '*'))
      ++from;
    while (to > at + 1 && !is_alnum(text[to - 1]))
      --to;
    const auto domain = text.substr(at + 1, to - at - 1);
    if (from == at || domain.size() < 3 || domain.find('.') == std::string_view::npos || domain.front() == '.')
      continue;
    std::string address = clean(text.substr(from, to - from), 320);
    if (std::find(found.begin(), found.end(), address) == found.end()) found.push_back(std::move(address));
  }
  return found;
}

std::string address_in(std::string_view text) {
  const auto open = text.rfind('<');
  if (open != std::string_view::npos) {
    const auto close = text.find('>', open);
    const auto inner = trim(text.substr(open + 1, close == std::string_view::npos ? close : close - open - 1));
    if (inner.find('@') != std::string_view::npos && inner.find(' ') == std::string_view::npos)
      return clean(inner, 320);
  }
  auto all = find_addresses(text, 1);
  return all.empty() ? std::string() : std::move(all.front());
}

bool starts_ci(std::string_view text, std::string_view small) {
  return text.size() >= small.size() &&
         std::equal(small.begin(), small.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

bool contains_ci(std::string_view text, std::string_view small) {
  return std::search(text.begin(), text.end(), small.begin(), small.end(),
                     [](char a, char b) { return lower(a) == b; }) != text.end();
}

}  // namespace gonets::bounce::detail
