// What a sender tells this server in the header of a message: X-Gonets-Egress, X-Gonets-Campaign, X-Gonets-Tag,
// X-Gonets-Track, X-Gonets-Ignore-Suppression. Pure.
#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::intake {

// What of a message is to be seen later.
struct track_wish {
  bool opens = false, clicks = false;
  bool operator==(const track_wish&) const = default;
};

struct sender_fields {
  std::string egress, campaign;     // empty: not given
  std::vector<std::string> tags;    // each once
  std::optional<track_wish> track;  // in place of what its stream has
  bool ignore_suppression = false;
};

inline constexpr std::string_view ignore_suppression_field = "X-Gonets-Ignore-Suppression";

inline constexpr std::size_t label_bytes_max = 64;
inline constexpr std::size_t tags_max = 8;

// Of several tags each has a field of its own, or they share one, separated by commas. The error says what is wrong
// with which field. Fields beginning with X-Gonets- that we don't know are none of ours.
std::expected<sender_fields, std::string> read_sender_fields(std::string_view header);

}  // namespace gonets::intake
