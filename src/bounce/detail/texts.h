// Small helpers for texts of strangers.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace gonets::bounce::detail {

// One line of valid UTF-8 without control characters, trimmed, at most that long.
std::string clean(std::string_view text, std::size_t bytes_max);

// Addresses in the order of the text, those in angle brackets and those without; each once.
std::vector<std::string> find_addresses(std::string_view text, std::size_t max);

// The address in a field such as "rfc822; user@example.com", "<user@example.com>" or "Name <user@example.com>".
std::string address_in(std::string_view text);

bool contains_ci(std::string_view text, std::string_view small);  // `small` is lower case ASCII
bool starts_ci(std::string_view text, std::string_view small);
std::string_view trim(std::string_view text);

}  // namespace gonets::bounce::detail
