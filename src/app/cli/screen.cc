#include "app/cli/screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <string>

namespace gonets::app::cli {
namespace {

volatile std::sig_atomic_t signalled = 0;

void note_signal(int number) {
  if (number != SIGWINCH) signalled = 1;
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l", leave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view home = "\x1b[H", clear_line = "\x1b[K", clear_below = "\x1b[J";

}  // namespace

bool screen::possible() {
  return ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
}

screen::screen() {
  ::tcgetattr(STDIN_FILENO, &was_);
  auto raw = was_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // Ctrl-C stays a signal
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
  struct sigaction catching {};
  catching.sa_handler = note_signal;  // without SA_RESTART: poll() ends
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH})
    ::sigaction(number, &catching, nullptr);
  write_all(enter);
}

screen::~screen() {
  write_all(leave);
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &was_);
}

screen::size screen::now() const {
  winsize found{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0) return {};
  return {found.ws_col, found.ws_row};
}

void screen::draw(std::string_view lines) {
  std::string out(home);
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    out.append(lines.substr(0, end)).append(clear_line);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (!lines.empty()) out += "\r\n";
  }
  write_all(out.append(clear_below));
}

std::optional<char> screen::key(std::chrono::milliseconds within) {
  pollfd in{STDIN_FILENO, POLLIN, 0};
  if (::poll(&in, 1, static_cast<int>(within.count())) <= 0) return std::nullopt;
  char c = 0;
  const auto n = ::read(STDIN_FILENO, &c, 1);
  if (n == 1) return c;
  gone_ = n == 0 || errno != EINTR;
  return std::nullopt;
}

bool screen::ended() const {
  return gone_ || signalled != 0;
}

}  // namespace gonets::app::cli
