// Base 64 as SASL and HTTP use it (RFC 4648 4): padded, on one line. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace gonets {

std::string encode_base64(std::string_view octets);
// Nothing for any other text: blanks, a missing or false padding, and bits beyond the last octet are refused.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace gonets
