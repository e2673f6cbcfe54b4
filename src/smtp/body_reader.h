// Reads a message's octets off the wire: the text after DATA up to CRLF.CRLF (RFC 5321 4.5.2), or counted chunks (RFC
// 3030). Undoes dot-stuffing, judges every line end, and notes what intake must know of the content. Pure.
//
// Smuggling: nothing but CRLF.CRLF ends a message, and nothing that another server could take for an end of data gets
// into the text: a bare CR or LF is a fault or becomes CRLF, NUL is a fault always.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "smtp/server_session.h"

namespace gonets::smtp {

enum class framing : std::uint8_t { dot, counted };

enum class body_fault : std::uint8_t { none, bare_cr, bare_lf, nul, line_too_long, too_large };

class body_reader {
 public:
  void start(framing how, newline_policy newlines, std::size_t line_bytes_max, std::uint64_t message_bytes_max);

  // Takes bytes off the front of `in` and appends the text to `to`. True when CRLF.CRLF was read: never with
  // framing::counted, where the caller passes just the chunks' octets and says finish(). After a fault all is taken
  // as before, and nothing appended.
  bool consume(std::string_view& in, std::string& to);
  // The last chunk has ended.
  void finish(std::string& to);

  body_fault fault() const { return fault_; }               // the first
  std::uint64_t fault_line() const { return fault_line_; }  // counted from 1
  std::uint64_t bytes() const { return bytes_; }            // of text
  bool has_leading_dot() const { return leading_dot_; }
  bool has_eight_bit() const { return eight_bit_; }

 private:
  // What the last octets were. `dot` and `dot_cr` follow a CRLF (or nothing) with framing::dot only.
  enum class at : std::uint8_t { line_start, text, cr, dot, dot_cr };

  bool step(std::string_view& in, std::string& to);
  void take_text(std::string_view& in, std::string& to);
  void end_line(std::string& to);
  void bare(body_fault what, std::string& to);
  void put(std::string_view text, std::string& to);
  void note_line_start(char c);
  void measure(std::uint64_t text_bytes);
  void blame(body_fault what);

  framing framing_ = framing::dot;
  newline_policy newlines_ = newline_policy::refuse;
  at at_ = at::line_start;
  body_fault fault_ = body_fault::none;
  bool leading_dot_ = false;
  bool eight_bit_ = false;
  std::size_t line_bytes_max_ = 0;
  std::uint64_t message_bytes_max_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t line_ = 1;  // of the wire's lines, for the reply
  std::uint64_t fault_line_ = 0;
  std::uint64_t line_begin_ = 0;  // bytes_ at the start of the text's current line
};

}  // namespace gonets::smtp
