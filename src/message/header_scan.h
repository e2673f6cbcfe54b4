// One pass over a message's header (RFC 5322 2.2, 3.6): what intake must know before it accepts. Pure; allocates nothing
// for a well-formed header; any bytes are survived.
#pragma once
#include <cstdint>
#include <expected>
#include <string_view>

namespace gonets::message {

struct header_limits {
  std::size_t header_bytes_max = 131'072;  // 552 5.3.4
  std::size_t fields_max = 1000;           // 552 5.3.4
  std::size_t hops_max = 50;               // 554 5.4.6: Received and Delivered-To-like traces
};

// Views are into the scanned text: unfolded is the caller's work.
struct header_summary {
  std::size_t header_bytes = 0;  // without the empty line that ends it
  std::size_t fields = 0;
  std::size_t received = 0;      // number of Received fields
  std::string_view from, sender, to, subject, date, message_id, feedback_id, list_unsubscribe;  // values, folded, trimmed
  std::size_t from_fields = 0;   // how many From fields there are; more than one can't be judged
  bool has_body = false;         // the empty line was there
};

enum class header_error : std::uint8_t { too_large, too_many_fields, loop };

// `text` is the message from its first byte: all of it, or at least header_bytes_max + 4 bytes of it, CRLF line ends.
// A line that is no header field and no continuation ends the header there (the message has no empty line; what follows
// counts as body), as sendmail and Postfix do.
std::expected<header_summary, header_error> scan_header(std::string_view text, const header_limits& limits);

// Calls `visit(name, value)` for each field, values folded and untrimmed after the colon; stops when it returns false.
template <class Visit>
void for_each_field(std::string_view header, Visit&& visit);

}  // namespace gonets::message
