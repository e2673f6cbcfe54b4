// DKIM for messages in files: the server's own signing and verifying, without a server.
#pragma once
#include <iosfwd>

#include "app/cli/arguments.h"
#include "app/cli/terminal.h"
#include "base/clock.h"

namespace gonets::app::cli {

struct filter_context {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  terminal screen;
  wall_time now;
};

// Each returns the exit status. Messages may have LF or CRLF line ends; LF is taken for CRLF, as a mail client would
// send it, and what is printed has the line ends of what was read.
int dkim_sign(const arguments& given, const filter_context& with);
int dkim_verify(const arguments& given, const filter_context& with);
int dkim_record(const arguments& given, const filter_context& with);

}  // namespace gonets::app::cli
