// Hostile text made fit to stand in a header field or in a report for people: no control character, no line end, no
// line longer than asked for. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gonets::message::detail {

enum class charset : std::uint8_t { ascii, utf8 };

bool is_ascii(std::string_view text);

// Control characters (C0, DEL, C1) become blanks; octets over 127 become '?' in ASCII, and in UTF-8 where they are not
// valid. What is longer than `bytes_max` (over 3) is cut at a character and ends in "...".
std::string printable(std::string_view text, charset allowed, std::size_t bytes_max);

// Appends "name: value" CRLF, folded at blanks to 78 octets. Runs of blanks become one; a word over 900 octets is
// broken. `value` must be printable.
void append_field(std::string& to, std::string_view name, std::string_view value);
// The same on one line, blanks as they are: they mean something in an address with a quoted local-part.
void append_unfolded_field(std::string& to, std::string_view name, std::string_view value);

// Appends `text` (printable) as lines of at most 76 octets, each after `indent` blanks, each ended by CRLF. A longer
// word stands alone; over 900 octets it is broken.
void append_wrapped(std::string& to, std::size_t indent, std::string_view text);

}  // namespace gonets::message::detail
