// Any text: what parses is within the limits, printable on one line, and parses again to itself.
#include "message/address.h"

#include <cstddef>
#include <cstdint>

#include "check.h"
#include "message/utf8.h"

namespace {

using gonets::fuzz::check;

void check_address(std::string_view text, bool utf8) {
  using namespace gonets::message;
  const auto parsed = parse_address(text, utf8);
  if (!parsed) return check(parsed.error() != address_error::none);
  check(parsed->text.size() == text.size());
  check(parsed->text.size() <= 254 && parsed->local_part().size() <= 64);
  check(parsed->text[parsed->domain_at - 1] == '@' && !parsed->domain().empty());
  check(domain_of(parsed->text) == parsed->domain());
  check(utf8 ? is_valid_utf8(parsed->text) : is_ascii(parsed->text));
  for (const char c : parsed->text)
    check(static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
  const auto again = parse_address(parsed->text, utf8);
  check(again && again->text == parsed->text && again->domain_at == parsed->domain_at);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_address(text, false);
  check_address(text, true);
  return 0;
}
