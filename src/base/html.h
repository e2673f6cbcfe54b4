// Pure.
#pragma once
#include <string>
#include <string_view>

namespace gonets {

// `text` as it stands in HTML, between tags or in quotes of either kind. Other bytes stay as they are.
std::string escape_html(std::string_view text);

}  // namespace gonets
