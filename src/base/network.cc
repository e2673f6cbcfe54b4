#include "base/network.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace gonets {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned mapped_bits = 96;

template <class Number>
std::optional<Number> parse_number(std::string_view text, Number most) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number > most) return std::nullopt;
  return number;
}

bool zero_beyond(const address_bytes& address, unsigned bits) {
  network prefix{address, static_cast<std::uint8_t>(bits)};
  for (unsigned bit = bits; bit < 128; ++bit)
    prefix.address[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> bit % 8));
  return prefix.address == address;
}

}  // namespace

bool network::contains(const address_bytes& other) const {
  const std::size_t whole = prefix_bits / 8;
  if (!std::equal(address.begin(), address.begin() + whole, other.begin())) return false;
  const unsigned rest = prefix_bits % 8;
  return rest == 0 || (address[whole] ^ other[whole]) >> (8 - rest) == 0;
}

std::optional<address_bytes> parse_address(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  address_bytes address{};
  if (inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1) return address;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), address.begin());
  if (inet_pton(AF_INET, terminated.c_str(), address.data() + mapped_prefix.size()) == 1) return address;
  return std::nullopt;
}

bool is_ipv4(const address_bytes& address) {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), address.begin());
}

bool is_loopback(const address_bytes& address) {
  if (is_ipv4(address)) return address[12] == 127;
  return address == address_bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
}

std::string to_text(const address_bytes& address) {
  char text[INET6_ADDRSTRLEN];
  const bool v4 = is_ipv4(address);
  inet_ntop(v4 ? AF_INET : AF_INET6, address.data() + (v4 ? mapped_prefix.size() : 0), text, sizeof text);
  return text;
}

std::optional<network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return network{*address, 128};
  // A mapped address written as IPv6 counts its prefix from its own start. One under 96 then has host bits, the ffff.
  const bool dotted = text.find(':') == std::string_view::npos;
  const auto bits = parse_number<unsigned>(text.substr(slash + 1), dotted ? 32 : 128);
  if (!bits) return std::nullopt;
  const unsigned prefix = *bits + (dotted ? mapped_bits : 0);
  if (!zero_beyond(*address, prefix)) return std::nullopt;
  return network{*address, static_cast<std::uint8_t>(prefix)};
}

std::string to_text(const network& n) {
  if (n.prefix_bits == 128) return to_text(n.address);
  const unsigned family_bits = is_ipv4(n.address) ? mapped_bits : 0;
  return fmt::format("{}/{}", to_text(n.address), n.prefix_bits - family_bits);
}

bool covers(const network& outer, const network& inner) {
  return outer.prefix_bits <= inner.prefix_bits && outer.contains(inner.address);
}

std::optional<endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1), 65535);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool colons = host.find(':') != std::string_view::npos;
  if (!port || colons != bracketed || !parse_address(host)) return std::nullopt;
  return endpoint{std::string(host), *port};
}

std::string to_text(const endpoint& e) {
  if (e.host.find(':') != std::string::npos) return fmt::format("[{}]:{}", e.host, e.port);
  return fmt::format("{}:{}", e.host, e.port);
}

}  // namespace gonets
