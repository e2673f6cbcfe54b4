// A message from outside as a tree of parts, decoded: the only place that sees GMime. Pure; any bytes are survived, and
// what comes out is bounded and valid UTF-8.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::message {

struct mime_limits {
  std::size_t depth_max = 12;
  std::size_t parts_max = 100;
  std::size_t fields_max = 300;             // of one header
  std::size_t value_bytes_max = 8192;       // of one field
  std::size_t text_bytes_max = 256u << 10;  // of one part
  std::size_t content_bytes_max = 0;        // of one part, as bytes; 0: nobody asks for them
  // GMime makes an object of each field and each part before anyone can say that there are too many. So of lines that
  // could be a field, and of those that could be a boundary, so many are let through to it.
  std::size_t field_lines_max = 50'000;
  std::size_t boundary_lines_max = 1000;
};

struct mime_field {
  std::string name;   // as it came
  std::string value;  // unfolded, RFC 2047 decoded
};

struct mime_part {
  std::string type;         // "text/plain", in lower case
  std::string report_type;  // the parameter of multipart/report, in lower case
  std::string file_name;
  std::vector<mime_field> fields;
  std::string text;              // of what is no multipart and no message; binary parts have none
  std::string content;           // the same as bytes, also of binary parts; empty where it has more than was asked for
  std::vector<mime_part> parts;  // of a multipart; of a message/rfc822 the one that is its header and content

  // The first field of that name, any case; empty when there is none.
  std::string_view field(std::string_view name) const;
};

// The value of an unstructured field such as Subject as people read it: unfolded, RFC 2047 decoded, cut at the end of a
// character.
std::string decoded_field(std::string_view value, std::size_t bytes_max);

mime_part read_mime(std::string_view message, const mime_limits& limits = {});

}  // namespace gonets::message
