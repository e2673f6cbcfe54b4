// A configuration file as a tree of values that know where they stand, so that only toml_reader.cc sees the parser.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::config::detail {

enum class value_kind : std::uint8_t { text, integer, real, boolean, array, table, other };

struct member;

struct value {
  value_kind kind = value_kind::other;
  unsigned line = 0, column = 0;  // from 1
  std::string text;               // of text: itself
  std::int64_t integer = 0;
  double real = 0;
  bool boolean = false;
  std::vector<value> items;     // of an array
  std::vector<member> members;  // of a table, in the order of the file
};

struct member {
  std::string name;
  unsigned line = 0, column = 0;  // of the name
  value content;
};

// What the file has there, as an error cites it: `"5 apples"`, `42`, `an array`.
std::string cite(const value& v);

struct syntax_error {
  unsigned line = 0, column = 0;
  std::string text;
};

// `text` as TOML 1.0; the root is a table. The parser stops at the first error.
std::expected<value, syntax_error> read_toml(std::string_view text);

}  // namespace gonets::config::detail
