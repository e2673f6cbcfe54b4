// Cuts command lines out of a client's bytes (RFC 5321 2.3.8: CRLF ends a line and nothing else does). Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gonets::smtp {

enum class line_verdict : std::uint8_t {
  incomplete,  // all bytes were taken and the line's end was not among them
  line,        // line() is one
  bad_octet,   // the line holds a control character: a bare CR, NUL, TAB, DEL...
  bare_lf,  // an LF without CR. Said at once, since the peer may be waiting; what follows up to the next CRLF belongs
            // to the same line and is skipped in silence, so that an injected LF can't begin a command
  too_long
};

class line_reader {
 public:
  // `line_bytes_max` counts the CRLF.
  explicit line_reader(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  // Takes bytes off the front of `in`, up to the end of one line.
  line_verdict next(std::string_view& in);

  // For lines to come.
  void limit(std::size_t line_bytes_max) { line_bytes_max_ = line_bytes_max; }

  // The line without its CRLF. Valid until the next call, while the bytes passed to the last one live.
  std::string_view line() const { return line_; }

  void reset();  // forgets a line begun

 private:
  void start_line();
  void keep(std::string_view part);
  line_verdict judge(std::string_view whole);

  std::size_t line_bytes_max_;
  std::string kept_;  // the beginning of a line that arrived in parts; of one that is too long, its last byte
  std::string_view line_;
  bool too_long_ = false;
  bool skipping_ = false;  // after a bare LF, to the next CRLF
  bool kept_is_done_ = false;
};

}  // namespace gonets::smtp
