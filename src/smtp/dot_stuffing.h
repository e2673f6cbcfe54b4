// Dot-stuffing (RFC 5321 4.5.2): what a message needs on its way over DATA, if a line of it begins with a dot.
// Streaming; where the chunks are cut makes no difference. Lines are those that end in CRLF.
#pragma once
#include <string>
#include <string_view>

namespace gonets::smtp {

class dot_stuffer {
 public:
  // Appends `chunk` to `to`, with another '.' before each '.' that begins a line.
  void append(std::string_view chunk, std::string& to);

  // Whether ".CRLF" may follow at once: else the end of data needs a CRLF of its own. True before the first octet.
  bool ended_in_crlf() const { return last_ == at::line_start; }

 private:
  enum class at : unsigned char { line_start, after_cr, text };
  at last_ = at::line_start;
};

}  // namespace gonets::smtp
