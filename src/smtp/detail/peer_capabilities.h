// What a server offers in its reply to EHLO or LHLO (RFC 5321 4.1.1.1).
#pragma once
#include <cstdint>
#include <string_view>

#include "sasl/client.h"

namespace gonets::smtp::detail {

// ENHANCEDSTATUSCODES is not here: statuses are read wherever they stand. CHUNKING is not used.
struct peer_capabilities {
  bool pipelining = false;
  bool size = false;
  bool eight_bit_mime = false;
  bool smtputf8 = false;
  bool dsn = false;
  bool starttls = false;
  bool requiretls = false;
  bool deliver_by = false;
  sasl::offered_mechanisms auth;
  std::uint64_t size_limit = 0;        // octets; 0: none was said
  std::uint64_t deliver_by_least = 0;  // seconds that it wants to have for BY in mode R; 0: any (RFC 2852 4)
};

// `text` as in gonets::reply: lines joined by '\n', of which the first is the server's name. Keywords in any case.
peer_capabilities parse_capabilities(std::string_view text);

}  // namespace gonets::smtp::detail
