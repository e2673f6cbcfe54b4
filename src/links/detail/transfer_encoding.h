// The encodings of MIME bodies (RFC 2045 6). Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gonets::links {

enum class transfer_encoding : std::uint8_t { lines, binary, quoted_printable, base64 };  // lines: 7bit and 8bit

// Nothing for an encoding that isn't known. `name` is in lower case.
std::optional<transfer_encoding> transfer_encoding_of(std::string_view name);

// Nothing for what is malformed: other characters than the encoding has, a lone CR or LF, half an octet.
std::optional<std::string> decode(std::string_view text, transfer_encoding from);

// `was` is what the text was decoded from: as it did, so does the result end with a line end or without.
// Nothing when a line would be longer than the encoding allows.
std::optional<std::string> encode(std::string_view text, transfer_encoding to, std::string_view was);

}  // namespace gonets::links
