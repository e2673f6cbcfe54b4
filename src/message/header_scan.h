// One pass over a message's header (RFC 5322 2.2, 3.6): what intake must know before it accepts. Pure; allocates
// nothing for a well-formed header; any bytes are survived.
#pragma once
#include <cstddef>
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
  std::size_t received = 0;  // number of Received fields
  // Values, folded and trimmed.
  std::string_view from, sender, to, subject, date, message_id, feedback_id, list_id, list_unsubscribe, tls_required;
  // How many there are: more than one can't be judged.
  std::size_t from_fields = 0, sender_fields = 0;
  std::size_t gonets_fields = 0;  // whose names begin with X-Gonets-
  bool unsubscribes = false;      // List-Unsubscribe or List-Unsubscribe-Post is there, be it empty
  bool has_body = false;          // the empty line was there
};

enum class header_error : std::uint8_t { too_large, too_many_fields, loop };

// `text` is the message from its first byte: all of it, or at least header_bytes_max + 4 bytes of it, CRLF line ends.
// A line that is no header field and no continuation ends the header there (the message has no empty line; what follows
// counts as body), as sendmail and Postfix do. Of a field that is there twice, the first counts. A bare LF ends a line,
// so that what is judged here is what the most lenient reader down the road will see.
std::expected<header_summary, header_error> scan_header(std::string_view text, const header_limits& limits);

struct field {
  std::string_view name;   // without the blanks that obsolete syntax allows before the colon
  std::string_view value;  // folded and untrimmed: all between the colon and the field's last line end
};
// Takes one field off the front of `rest`; false, and `rest` untouched, where the header ends: at the empty line, at a
// line that is no field, at the end of the text.
bool take_field(std::string_view& rest, field& out);

// Calls `visit(name, value)` for each field, values folded and untrimmed after the colon; stops when it returns false.
template <class Visit>
void for_each_field(std::string_view header, Visit&& visit) {
  for (field f; take_field(header, f);) {
    if (!visit(f.name, f.value)) return;
  }
}

// `value` without the blanks and line ends around it.
std::string_view trim_field_value(std::string_view value);
// Field names are ASCII and compare without case (RFC 5322 1.2.2).
bool same_field_name(std::string_view a, std::string_view b);

}  // namespace gonets::message
