#include "intake/sender_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "message/header_scan.h"

namespace gonets::intake {
namespace {

// Blanks inside are fine; a comma separates tags, and what isn't printable ASCII would have to be decoded first.
bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= label_bytes_max &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != ','; });
}

// "none", or "opens", "clicks" and both.
std::optional<track_wish> parse_tracking(std::string_view text) {
  track_wish wanted;
  if (message::same_field_name(text, "none")) return wanted;
  while (true) {
    const auto comma = text.find(',');
    const auto word = message::trim_field_value(text.substr(0, comma));
    if (message::same_field_name(word, "opens"))
      wanted.opens = true;
    else if (message::same_field_name(word, "clicks"))
      wanted.clicks = true;
    else
      return std::nullopt;
    if (comma == text.npos) return wanted;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

std::expected<sender_fields, std::string> read_sender_fields(std::string_view header) {
  sender_fields found;
  std::string wrong;
  const auto refuse = [&](std::string_view name, std::string_view what) {
    wrong = fmt::format("{}: {}", name, what);
    return false;
  };
  const auto expected = fmt::format("1 to {} printable ASCII characters are expected, without commas", label_bytes_max);
  const auto take_once = [&](std::string_view name, std::string_view value, std::string& to) {
    if (!to.empty()) return refuse(name, "is there twice");
    if (!is_label(value)) return refuse(name, expected);
    to = value;
    return true;
  };
  const auto take_tags = [&](std::string_view name, std::string_view value) {
    while (true) {
      const auto comma = value.find(',');
      const auto tag = message::trim_field_value(value.substr(0, comma));
      if (!is_label(tag)) return refuse(name, expected);
      if (std::ranges::find(found.tags, tag) == found.tags.end()) found.tags.emplace_back(tag);
      if (found.tags.size() > tags_max) return refuse(name, fmt::format("more than {} tags", tags_max));
      if (comma == std::string_view::npos) return true;
      value.remove_prefix(comma + 1);
    }
  };
  const auto take_tracking = [&](std::string_view value) {
    if (found.track) return refuse("X-Gonets-Track", "is there twice");
    found.track = parse_tracking(value);
    return found.track.has_value() || refuse("X-Gonets-Track", "opens, clicks, both with a comma, or none is expected");
  };
  bool asked = false;
  const auto take_wish = [&](std::string_view value) {
    const bool yes = message::same_field_name(value, "yes");
    if (asked) return refuse(ignore_suppression_field, "is there twice");
    if (!yes && !message::same_field_name(value, "no"))
      return refuse(ignore_suppression_field, "yes or no is expected");
    asked = true;
    found.ignore_suppression = yes;
    return true;
  };
  message::for_each_field(header, [&](std::string_view name, std::string_view raw) {
    const auto value = message::trim_field_value(raw);
    if (message::same_field_name(name, "x-gonets-egress")) return take_once("X-Gonets-Egress", value, found.egress);
    if (message::same_field_name(name, "x-gonets-campaign"))
      return take_once("X-Gonets-Campaign", value, found.campaign);
    if (message::same_field_name(name, "x-gonets-tag")) return take_tags("X-Gonets-Tag", value);
    if (message::same_field_name(name, "x-gonets-track")) return take_tracking(value);
    if (message::same_field_name(name, ignore_suppression_field)) return take_wish(value);
    return true;
  });
  if (!wrong.empty()) return std::unexpected(std::move(wrong));
  return found;
}

}  // namespace gonets::intake
