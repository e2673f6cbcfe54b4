// A message that came in, taken apart into what it says itself and the original that it has with it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "bounce/report.h"
#include "message/mime_tree.h"

namespace gonets::bounce::detail {

enum class report_part : std::uint8_t { none, delivery_status, feedback, disposition };

// Without the angle brackets.
std::string bare_message_id(std::string_view value);

struct incoming {
  const message::mime_part* header = nullptr;  // whose fields are the message's; of the inner one when it was forwarded
  const message::mime_part* machine = nullptr;  // the part that report_part speaks of
  report_part machine_is = report_part::none;
  std::string text;                                      // what it says to people, without the original; HTML as text
  std::string inline_copy;                               // the original that stands in the text
  const message::mime_part* original = nullptr;          // attached, with its fields
  std::string_view original_header;                      // attached as text/rfc822-headers
  std::string from, subject, subject_shape, text_shape;  // address; decoded; normalised

  std::string_view field(std::string_view name) const { return header->field(name); }
  // A field of the original, wherever that stands; empty when there is none.
  std::string original_field(std::string_view name) const;
  std::string original_message_id() const;
};

// `root` must outlive the result.
incoming take_apart(const message::mime_part& root);

// "Name: value" lines of a text, continuation lines joined; an empty line ends a group. Broken lines continue the field
// before them.
struct text_field {
  std::string name;  // in lower case
  std::string value;
};
using field_group = std::vector<text_field>;
std::vector<field_group> read_groups(std::string_view text, std::size_t groups_max);
std::string_view find_field(const field_group& in, std::string_view name);

std::string html_to_text(std::string_view html);

}  // namespace gonets::bounce::detail
