// The value of a Content-Type field (RFC 2045 5.1): what of it this folder asks for. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace gonets::links {

struct media_type {
  std::string name;      // "text/html", in lower case
  std::string charset;   // in lower case; empty: none
  std::string boundary;  // empty: none
};

// Nothing for what readers could take for different things: a type that is none, text between parameters, a parameter
// that is there twice. Unquoted values may have any character but blanks, quotes and those that end them.
std::optional<media_type> parse_media_type(std::string_view value);

// The word that a structured field's value begins with, in lower case: "attachment"; blanks and comments before it are
// skipped. Empty when there is none, or when something else than parameters follows.
std::string first_word(std::string_view value);

}  // namespace gonets::links
