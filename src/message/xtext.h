// xtext (RFC 3461 4): how ENVID and ORCPT carry any octets in an SMTP parameter.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace gonets::message {

std::string encode_xtext(std::string_view octets);

// The octets, which may be anything, CR and NUL included. Nothing when `text` is not xtext. Hexadecimal digits in lower
// case are accepted, though the grammar has none: senders write them.
std::optional<std::string> decode_xtext(std::string_view text);

}  // namespace gonets::message
