#include "shaping/verdict.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/text.h"

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t rate_messages_max = 1'000'000;
constexpr std::array<std::pair<char, std::chrono::milliseconds>, 4> rate_units{
    {{'s', 1s}, {'m', 1min}, {'h', 1h}, {'d', 24h}}};

}  // namespace

std::string_view to_text(verdict_kind k) {
  static constexpr std::array<std::string_view, 10> names = {
      "defer",        "greylisted", "slow_down",    "hold_site", "close_window",
      "hold_account", "next_mx",    "other_egress", "fail",      "suppress"};
  const auto number = static_cast<std::size_t>(k);
  return number < names.size() ? names[number] : std::string_view("unknown");
}

std::string_view to_text(concern c) {
  static constexpr std::array<std::string_view, 5> names = {"address", "account", "content", "egress", "site"};
  const auto number = static_cast<std::size_t>(c);
  return number < names.size() ? names[number] : std::string_view("unknown");
}

std::string to_text(const rate& r) {
  for (const auto& [letter, length] : rate_units) {
    if (length == r.per) return fmt::format("{}/{}", r.messages, letter);
  }
  return fmt::format("{}/{}", r.messages, format_duration(r.per));
}

std::optional<rate> parse_rate(std::string_view text) {
  rate r;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, r.messages);
  if (error != std::errc{} || end - stop != 2 || *stop != '/') return std::nullopt;
  if (r.messages == 0 || r.messages > rate_messages_max) return std::nullopt;
  for (const auto& [letter, length] : rate_units) {
    if (stop[1] == letter) r.per = length;
  }
  return r.per.count() > 0 ? std::optional(r) : std::nullopt;
}

std::string to_text(const verdict& v) {
  std::string text(to_text(v.kind));
  if (v.to) {
    text += " to " + to_text(*v.to);
  } else if (v.factor > 0) {
    text += fmt::format(" to {}%", std::lround(v.factor * 100));
  }
  if (v.duration.count() > 0) text += " for " + format_duration(v.duration);
  return text;
}

}  // namespace gonets::shaping
