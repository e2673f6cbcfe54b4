// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. Pure; allocates nothing.
#pragma once
#include <string_view>

namespace gonets::message {

bool is_valid_utf8(std::string_view text);

// Only octets 0 to 127.
bool is_ascii(std::string_view text);

}  // namespace gonets::message
