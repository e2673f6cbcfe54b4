#include "app/cli/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "message/utf8.h"

namespace gonets::app::cli {
namespace {

// Bytes of the character at the front; zero when there is none.
std::size_t character_bytes(std::string_view text) {
  for (std::size_t n = 1; n <= std::min<std::size_t>(4, text.size()); ++n) {
    if (message::is_valid_utf8(text.substr(0, n))) return n;
  }
  return 0;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

template <class Kept>
std::string clean(std::string_view text, Kept kept) {
  std::string cleaned;
  cleaned.reserve(text.size());
  while (!text.empty()) {
    const auto n = std::max<std::size_t>(character_bytes(text), 1);
    const auto character = text.substr(0, n);
    text.remove_prefix(n);
    if (kept(character, cleaned)) continue;
    if (!message::is_valid_utf8(character) || is_control(character)) {
      cleaned += '?';
    } else {
      cleaned += character;
    }
  }
  return cleaned;
}

}  // namespace

std::string printable(std::string_view text) {
  return clean(text, [](std::string_view c, std::string& to) {
    if (c != "\n" && c != "\r" && c != "\t") return false;
    if (c != "\r") to += ' ';
    return true;
  });
}

std::string printable_lines(std::string_view text) {
  return clean(text, [](std::string_view c, std::string& to) {
    if (c == "\n" || c == "\t") to += c;
    return c == "\n" || c == "\t" || c == "\r";
  });
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

std::string cut(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::size_t end = 0;
  for (std::size_t kept = 0; end < text.size(); ++end) {
    if (!is_continuation(text[end]) && ++kept == width) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string full_time(wall_time t) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(t);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
}

std::string relative_time(wall_time t, wall_time now) {
  const bool past = t <= now;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(past ? now - t : t - now).count();
  if (seconds == 0) return "now";
  // A day begins only after the second one: "30h ago" says more than "1d ago".
  std::string text = fmt::format("{}s", seconds);
  for (const auto& [from, unit_seconds, name] :
       {std::tuple{60, 60, 'm'}, std::tuple{3600, 3600, 'h'}, std::tuple{172'800, 86'400, 'd'}}) {
    if (seconds >= from) text = fmt::format("{}{}", seconds / unit_seconds, name);
  }
  return past ? text + " ago" : "in " + text;
}

std::string count(std::uint64_t n, std::string_view singular) {
  return fmt::format("{} {}{}", n, singular, n == 1 ? "" : "s");
}

}  // namespace gonets::app::cli
