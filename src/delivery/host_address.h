// IP addresses as text, and which of them mail may be sent to. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gonets::delivery {

enum class address_reach : std::uint8_t {
  host,      // some host's
  loopback,  // this very machine's: 127.0.0.0/8, 0.0.0.0/8, ::1, ::
  none       // nobody's to connect to: multicast, reserved, link-local
};

struct host_address {
  std::string text;  // as inet_ntop writes it, so that equal addresses have equal texts
  bool is_ipv6 = false;
  address_reach reach = address_reach::host;
};

// An IPv4-mapped IPv6 address is the IPv4 one.
std::optional<host_address> parse_host_address(std::string_view text);

// [192.0.2.1] or [IPv6:2001:db8::1] (RFC 5321 4.1.3), the tag in any case.
std::optional<host_address> parse_address_literal(std::string_view literal);

}  // namespace gonets::delivery
