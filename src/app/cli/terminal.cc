#include "app/cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace gonets::app::cli {
namespace {

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

}  // namespace

terminal detect_terminal(int fd) {
  terminal found;
  if (::isatty(fd) == 0) return found;
  found.interactive = true;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) found.width = size.ws_col;
  const char* kind = std::getenv("TERM");
  found.colours = !is_set("NO_COLOR") && kind != nullptr && std::string_view(kind) != "dumb";
  return found;
}

std::string coloured(std::string_view text, colour with, const terminal& on) {
  static constexpr std::array<int, 6> codes{0, 1, 2, 31, 32, 33};
  if (!on.colours || with == colour::none) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<std::size_t>(with)], text);
}

}  // namespace gonets::app::cli
