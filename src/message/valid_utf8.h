// JSON is UTF-8, what peers say need not be.
#pragma once
#include <string>

namespace gonets::message {

// Replaces each byte that is no part of a character by U+FFFD. Usually finds nothing to do.
std::string valid_utf8(std::string text);

}  // namespace gonets::message
