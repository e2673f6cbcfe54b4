// What was said in a part of an SMTP session, for people to read: a line each, "C: " in front of ours, "S: " in front
// of the peer's, and in parentheses what is not shown: the message, TLS, secrets. A value; its size is bounded by that
// of a transaction's commands and of the replies that are kept.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "message/envelope.h"

namespace gonets::smtp {

class transcript {
 public:
  static constexpr std::size_t bytes_max = 8192;  // of what of() gives

  // Whom a line is about: with null, everyone. Only its address counts.
  using recipient_ptr = const message::recipient*;

  // `command` may end in CRLF.
  void client(std::string_view command, recipient_ptr about = nullptr);
  void server(const reply& r, recipient_ptr about = nullptr);
  void aside(std::string_view what);  // "(what)"
  void append(transcript more);

  bool empty() const { return text_.empty(); }
  // Lines that end in '\n': those about everyone, and about this recipient.
  std::string of(recipient_ptr who) const;
  const std::string& text() const { return text_; }  // all of them

 private:
  void mark(recipient_ptr about);

  struct change {  // from this byte on the lines are about another
    std::uint32_t at;
    recipient_ptr about;
  };
  std::string text_;
  std::vector<change> changes_;
};

}  // namespace gonets::smtp
