// The textual forms of addresses, networks and endpoints. Pure; no name is ever looked up.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gonets {

// In network byte order, IPv4 as IPv4-mapped IPv6, so that one comparison serves both.
using address_bytes = std::array<std::uint8_t, 16>;

struct network {
  address_bytes address{};
  std::uint8_t prefix_bits = 128;
  bool contains(const address_bytes& other) const;
  bool operator==(const network&) const = default;
};

struct endpoint {
  std::string host;  // an address, not a name; IPv6 without brackets
  std::uint16_t port = 0;
  bool operator==(const endpoint&) const = default;
};

// "10.0.0.1", "::1", without brackets and zone.
std::optional<address_bytes> parse_address(std::string_view text);
bool is_ipv4(const address_bytes& address);
bool is_loopback(const address_bytes& address);  // 127.0.0.0/8 or ::1
std::string to_text(const address_bytes& address);

// "10.0.0.0/8", "::1", "2001:db8::/32". Bits beyond the prefix must be zero: else the writer meant something else.
std::optional<network> parse_network(std::string_view text);
std::string to_text(const network& n);
// Whether all of `inner` lies in `outer`.
bool covers(const network& outer, const network& inner);

// "127.0.0.1:25", "[::1]:25". Port 0 asks the kernel for a free one.
std::optional<endpoint> parse_endpoint(std::string_view text);
std::string to_text(const endpoint& e);

}  // namespace gonets
