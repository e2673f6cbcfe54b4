#include "message/list_id.h"

#include <algorithm>

#include "base/text.h"

namespace gonets::message {

bool is_list_id(std::string_view text) {
  return !text.empty() && text.size() <= list_id_bytes_max && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c <= '~' && c != '<' && c != '>' && !(c >= 'A' && c <= 'Z');
  });
}

// The phrase in front may be a quoted string with brackets of its own, so the last ones count.
std::string list_id_of(std::string_view value) {
  const auto close = value.rfind('>');
  const auto open = value.rfind('<', close);
  if (close == value.npos || open == value.npos) return {};
  auto found = to_lower(value.substr(open + 1, close - open - 1));
  return is_list_id(found) ? found : std::string();
}

}  // namespace gonets::message
