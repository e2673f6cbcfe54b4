// Reads a server's replies (RFC 5321 4.2, enhanced status codes RFC 2034) out of the bytes of a connection, however
// they are cut. Pure; the peer is not trusted: every length is bounded, and the texts kept are safe to store and print.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace gonets::smtp {

struct reply_limits {
  std::size_t line_bytes_max = 2048;  // with its line end; a longer line is an error
  std::size_t lines_max = 128;        // in one reply; one more is an error
  std::size_t text_bytes_max = 1024;  // what is kept of a reply's text; the rest is dropped and "..." put at the end
};

// Replaces control characters (C0, DEL, C1) and what is not valid UTF-8 by '?', tab, CR and LF by a space; appends to
// `to`. Stops before `bytes_max` bytes are exceeded, never within a character; false if it stopped.
bool append_sanitized(std::string& to, std::string_view text, std::size_t bytes_max);

// Cuts sanitized text that is longer than that, at the end of a character, and puts "..." in place of the rest.
void cut_text(std::string& text, std::size_t bytes_max);

class reply_parser {
 public:
  enum class progress : std::uint8_t { more, complete, broken };

  explicit reply_parser(reply_limits limits = {}) : limits_(limits) {}

  // Takes bytes off the front of `in`, up to the end of one reply at most. At `complete`, current() has the reply.
  // `broken` is final: what follows can't be understood any more.
  progress parse(std::string_view& in);

  // The reply just completed. Its text may be moved away; it is overwritten by the next parse().
  reply& current() { return reply_; }

  // After `broken`: what was wrong, with an excerpt of the line; no CR, no LF.
  const std::string& error() const { return error_; }

  // Some bytes of a reply were read, but not all.
  bool in_reply() const { return lines_ != 0 || !partial_.empty(); }

  void keep_text(std::size_t bytes_max) { limits_.text_bytes_max = bytes_max; }

 private:
  progress take_line(std::string_view line);
  void start(std::uint16_t code);
  void add_text(std::string_view text);
  progress fail(std::string_view what, std::string_view line);

  reply_limits limits_;
  reply reply_;
  std::string partial_;  // of a line whose end has not come yet
  std::string error_;
  std::size_t lines_ = 0;  // of the reply that is being read; 0: between replies
  bool text_full_ = false;
};

}  // namespace gonets::smtp
