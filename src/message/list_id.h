// The mailing list that a message is of (RFC 2919), as its sender says. Pure.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace gonets::message {

inline constexpr std::size_t list_id_bytes_max = 255;  // RFC 2919 3

// `weekly.example.com`: printable ASCII in lower case, without blanks and brackets.
bool is_list_id(std::string_view text);
// Out of the value of List-ID, such as `Weekly news <Weekly.example.com>`, in lower case: identifiers compare without
// case. Empty: there is none, or not one that is well-formed.
std::string list_id_of(std::string_view value);

}  // namespace gonets::message
