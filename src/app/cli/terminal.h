// What the output goes to.
#pragma once
#include <string>
#include <string_view>

namespace gonets::app::cli {

struct terminal {
  unsigned width = 100;  // of a pipe or file: wide enough to read, narrow enough to mail
  bool interactive = false;
  bool colours = false;
};
// `fd` is that of standard output. Colours need a terminal, and that NO_COLOR is unset or empty (no-color.org).
terminal detect_terminal(int fd);

enum class colour : unsigned char { none, bold, dim, red, green, yellow };
std::string coloured(std::string_view text, colour with, const terminal& on);

}  // namespace gonets::app::cli
