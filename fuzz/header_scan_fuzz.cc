// Any bytes as a message: scan_header and for_each_field stay within them, and agree with each other.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "message/header_scan.h"

namespace {

using namespace gonets::message;

void check(bool holds) {
  if (!holds) std::abort();
}

bool within(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const header_limits limits{.header_bytes_max = 512, .fields_max = 12, .hops_max = 4};
  const auto found = scan_header(text, limits);

  std::size_t fields = 0;
  std::size_t received = 0;
  std::size_t from = 0;
  for_each_field(text, [&](std::string_view name, std::string_view value) {
    check(!name.empty() && within(name, text) && within(value, text));
    received += same_field_name(name, "received");
    from += same_field_name(name, "from");
    return ++fields != 0;
  });
  if (!found) {
    check(size > limits.header_bytes_max || fields > limits.fields_max || received > limits.hops_max);
    return 0;
  }
  check(found->fields == fields && found->received == received && found->from_fields == from);
  check(found->header_bytes <= limits.header_bytes_max && found->header_bytes <= size);
  if (found->has_body) check(text[found->header_bytes] == '\r' || text[found->header_bytes] == '\n');
  const auto header = text.substr(0, found->header_bytes);
  for (const auto value : {found->from, found->sender, found->to, found->subject, found->date, found->message_id,
                           found->feedback_id, found->list_unsubscribe}) {
    check(within(value, header) && trim_field_value(value) == value);
  }
  return 0;
}
