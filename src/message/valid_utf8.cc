#include "message/valid_utf8.h"

#include <algorithm>

#include "message/utf8.h"

namespace gonets::message {
namespace {

// Of the character at the front of `text`; zero when there is none.
std::size_t character_bytes(std::string_view text) {
  for (std::size_t n = 1; n <= std::min<std::size_t>(4, text.size()); ++n) {
    if (is_valid_utf8(text.substr(0, n))) return n;
  }
  return 0;
}

}  // namespace

std::string valid_utf8(std::string text) {
  if (is_valid_utf8(text)) return text;
  std::string repaired;
  repaired.reserve(text.size() + 16);
  for (std::string_view rest = text; !rest.empty();) {
    const auto n = character_bytes(rest);
    repaired += n == 0 ? "\xEF\xBF\xBD" : rest.substr(0, n);
    rest.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return repaired;
}

}  // namespace gonets::message
