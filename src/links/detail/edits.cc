#include "links/detail/edits.h"

namespace gonets::links {

std::string apply_edits(std::string_view text, const std::vector<edit>& edits) {
  std::string to;
  to.reserve(text.size() + edits.size() * 128);
  std::size_t done = 0;
  for (const edit& e : edits) {
    to += text.substr(done, e.at - done);
    to += e.text;
    done = e.at + e.length;
  }
  to += text.substr(done);
  return to;
}

}  // namespace gonets::links
