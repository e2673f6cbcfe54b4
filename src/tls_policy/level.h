// How much TLS is asked of the way to a destination.
#pragma once
#include <cstdint>
#include <string_view>

namespace gonets::tls_policy {

// As configured for a domain or a route.
enum class level : std::uint8_t {
  none,           // never TLS
  opportunistic,  // TLS where it is offered and works; else in the clear
  required,       // TLS or nothing, whoever the certificate is from
  verified        // TLS with a certificate that a public authority vouches for, of the host or the domain
};

// What governed an attempt: told in events. The numbers are stored.
enum class policy : std::uint8_t {
  none = 0,  // TLS plays no part: another kind of route
  off = 1,   // configured: none
  opportunistic = 2,
  required = 3,
  verified = 4,
  dane = 5,        // RFC 7672
  sts = 6,         // MTA-STS, enforced (RFC 8461)
  requiretls = 7,  // asked for by the message (RFC 8689)
};
std::string_view to_text(level l);   // as in the configuration
std::string_view to_text(policy p);  // "" for none

}  // namespace gonets::tls_policy
