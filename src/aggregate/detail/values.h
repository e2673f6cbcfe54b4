// Values of strangers, made fit to be kept and shown.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gonets::aggregate::detail {

std::string_view trimmed(std::string_view text);
// One line without control characters, cut at the end of a character. `text` is UTF-8, or was cut from it.
std::string line_of(std::string_view text, std::size_t bytes_max);
// Lower case, without the last dot; empty: no name that DNS could have.
std::string domain_of(std::string_view text);
// As our own addresses are written; empty: none.
std::string address_of(std::string_view text);
// A word of a list that may grow: "quarantine", "certificate-expired"; lower case, empty: no such word.
std::string word_of(std::string_view text);
std::optional<std::uint64_t> count_of(std::string_view text, std::uint64_t max);

}  // namespace gonets::aggregate::detail
