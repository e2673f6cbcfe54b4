#include "aggregate/detail/values.h"

#include <algorithm>
#include <charconv>

#include "base/network.h"
#include "base/text.h"

namespace gonets::aggregate::detail {
namespace {

constexpr std::size_t domain_bytes_max = 253, word_bytes_max = 40;

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// Without the last one where it is cut off.
std::string_view whole_characters(std::string_view text) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  std::size_t begins = text.size();
  while (begins > 0 && text.size() - begins < 4) {
    const auto byte = byte_at(--begins);
    if ((byte & 0xC0) == 0x80) continue;
    const std::size_t bytes = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return begins + bytes > text.size() ? text.substr(0, begins) : text;
  }
  return text;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string line_of(std::string_view text, std::size_t bytes_max) {
  text = trimmed(text);
  std::string line(whole_characters(text.substr(0, bytes_max)));
  std::ranges::replace_if(
      line, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, ' ');
  return line;
}

std::string domain_of(std::string_view text) {
  auto name = to_lower(trimmed(text));
  if (name.ends_with('.')) name.pop_back();
  const bool fits = !name.empty() && name.size() <= domain_bytes_max && !name.starts_with('.') &&
                    name.find("..") == std::string::npos &&
                    std::ranges::all_of(name, [](char c) { return is_word_byte(c) || c == '.'; });
  return fits ? name : std::string();
}

std::string address_of(std::string_view text) {
  const auto address = parse_address(trimmed(text));
  return address ? to_text(*address) : std::string();
}

std::string word_of(std::string_view text) {
  auto word = to_lower(trimmed(text));
  return word.size() <= word_bytes_max && std::ranges::all_of(word, is_word_byte) ? word : std::string();
}

std::optional<std::uint64_t> count_of(std::string_view text, std::uint64_t max) {
  text = trimmed(text);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return max;
  if (error != std::errc{}) return std::nullopt;
  return std::min(number, max);
}

}  // namespace gonets::aggregate::detail
