// The HTML parts of a message (RFC 2045, 2046), changed where they stand. Pure.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "links/rewrite_html.h"

namespace gonets::links {

constexpr std::size_t multipart_depth_max = 10;  // parts that are deeper stay as they are
constexpr std::size_t parts_max = 100;           // and so do those after so many
constexpr std::size_t html_parts_max = 4;        // of those that are looked at; each takes its time

// The body of a message with its HTML changed: links in all its text/html parts, the picture in the first that can be
// changed. `header` is the whole header as sent, `body` what follows the empty line. Parts that are signed, encrypted,
// attached, of another message, malformed or in a charset or an encoding that isn't known stay as they are, and so does
// every byte outside of a changed part. A part is encoded as it was, and has no line over 998 bytes but in base64,
// quoted-printable (76) and binary. Nothing when there is nothing to change.
std::optional<std::string> rewrite_message(std::string_view header, std::string_view body, const html_changes& changes);

}  // namespace gonets::links
