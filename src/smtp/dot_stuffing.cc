#include "smtp/dot_stuffing.h"

namespace gonets::smtp {

void dot_stuffer::append(std::string_view chunk, std::string& to) {
  if (chunk.empty()) return;
  // Before the chunk stands a CRLF, a CR or neither: only its first two octets depend on that.
  const auto begins_line = [&](std::size_t i) {
    if (i >= 2) return chunk[i - 2] == '\r' && chunk[i - 1] == '\n';
    if (i == 1) return chunk[0] == '\n' && last_ == at::after_cr;
    return last_ == at::line_start;
  };
  std::size_t run = 0;
  for (auto dot = chunk.find('.'); dot != std::string_view::npos; dot = chunk.find('.', dot + 1)) {
    if (!begins_line(dot)) continue;
    to += chunk.substr(run, dot - run);
    to += '.';
    run = dot;
  }
  to += chunk.substr(run);
  if (begins_line(chunk.size())) {
    last_ = at::line_start;
  } else {
    last_ = chunk.back() == '\r' ? at::after_cr : at::text;
  }
}

}  // namespace gonets::smtp
