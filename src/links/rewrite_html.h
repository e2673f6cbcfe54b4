// HTML with other addresses in its links, and a picture that tells of its opening. Pure.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gonets::links {

// Addresses that are put in are printable ASCII without blanks; any other counts as empty.
struct html_changes {
  // The address to put in place of `url`, which is as a browser reads it: entities decoded, no blanks around it. Empty:
  // leave it. Called in the order of the text; that it was asked for an address doesn't mean that it is used in the
  // end.
  std::function<std::string(std::string_view url)> click;
  std::string picture;  // its address; empty: none
};

constexpr std::size_t url_bytes_max = 2048;       // longer ones stay as they are
constexpr std::size_t html_bytes_max = 1u << 20;  // longer texts stay as they are; detail/html_limits.h has more limits
constexpr const char* no_track_attribute = "data-gonets-no-track";  // on a link that stays as it is

// Changes the absolute http and https addresses of <a href> and <area href>, and puts the picture before </body>, or at
// the end where there is none. All other bytes stay. `html` is in a charset whose ASCII is ASCII. Nothing when there is
// nothing to change, or too much to look at.
std::optional<std::string> rewrite_html(std::string_view html, const html_changes& changes);

}  // namespace gonets::links
