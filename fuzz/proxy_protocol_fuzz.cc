// Any bytes: the verdict does not change when more bytes arrive, and "need more" ends.
#include "smtp/proxy_protocol.h"

#include <cstddef>

#include "check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gonets::smtp;
  using gonets::fuzz::check;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const auto whole = parse_proxy_header(in);
  if (!whole) {
    check(whole.error() == proxy_error::malformed || size < 16 + 1024);
  } else {
    check(whole->header_bytes <= size && whole->header_bytes <= 16 + 1024);
    check(whole->local == whole->source_address.empty());
    const auto again = make_proxy_header(whole->source_address, whole->source_port, whole->destination_address,
                                         whole->destination_port);
    // An IPv4 address within an IPv6 header is written as such, and stays one.
    check(whole->local == again.empty());
    const auto back = parse_proxy_header(again);
    check(whole->local || (back && back->source_address == whole->source_address &&
                           back->destination_address == whole->destination_address));
  }
  for (std::size_t cut = 0; cut < size && cut < 200; ++cut) {
    const auto part = parse_proxy_header(in.substr(0, cut));
    if (part) {
      check(whole && part->header_bytes == whole->header_bytes && part->source_address == whole->source_address);
    } else if (part.error() == proxy_error::malformed) {
      check(!whole && whole.error() == proxy_error::malformed);
    }
  }
  return 0;
}
