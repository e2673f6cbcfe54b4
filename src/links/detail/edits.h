#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::links {

struct edit {
  std::size_t at = 0;
  std::size_t length = 0;  // of what is replaced
  std::string text;
};

// `edits` are in the order of the text and don't overlap.
std::string apply_edits(std::string_view text, const std::vector<edit>& edits);

}  // namespace gonets::links
