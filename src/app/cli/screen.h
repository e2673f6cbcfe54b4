// A terminal that is drawn on and asked for keys, for as long as this lives: afterwards it is as it was, however the
// program is ended by a signal that can be caught. One at a time.
#pragma once
#include <termios.h>

#include <chrono>
#include <optional>
#include <string_view>

namespace gonets::app::cli {

class screen {
 public:
  // Both ends are terminals.
  static bool possible();
  screen();
  ~screen();
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;

  struct size {
    unsigned width = 80, height = 24;
  };
  size now() const;
  // Lines with a line feed each, no more than fit.
  void draw(std::string_view lines);
  // The next key, '\t' and others; nothing: the time is over, or the terminal has another size. ended(): enough.
  std::optional<char> key(std::chrono::milliseconds within);
  bool ended() const;  // by a signal, or the terminal is gone

 private:
  termios was_{};
  bool gone_ = false;
};

}  // namespace gonets::app::cli
