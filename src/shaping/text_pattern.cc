#include "shaping/text_pattern.h"

#include <algorithm>

namespace gonets::shaping {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

std::string fold(std::string_view text) {
  text = text.substr(0, folded_bytes_max);
  std::string folded;
  folded.reserve(text.size());
  for (const char c : text) {
    if (is_blank(c)) {
      if (folded.empty() || folded.back() != ' ') folded += ' ';
    } else {
      folded += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
  }
  return folded;
}

text_pattern::text_pattern(std::string_view pattern) : source_(pattern) {
  const std::string folded = fold(pattern);
  for (std::size_t at = 0; at <= folded.size();) {
    const std::size_t end = std::min(folded.find('*', at), folded.size());
    if (end > at) pieces_.push_back(folded.substr(at, end - at));
    at = end + 1;
  }
}

// The leftmost place for each piece leaves the most room for the next, so there is nothing to go back to.
bool text_pattern::matches(std::string_view folded) const {
  for (const std::string& piece : pieces_) {
    const std::size_t found = folded.find(piece);
    if (found == std::string_view::npos) return false;
    folded.remove_prefix(found + piece.size());
  }
  return !pieces_.empty();
}

}  // namespace gonets::shaping
