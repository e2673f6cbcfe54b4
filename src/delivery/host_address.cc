#include "delivery/host_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

namespace gonets::delivery {
namespace {

using ipv4_octets = std::array<std::uint8_t, 4>;
using ipv6_octets = std::array<std::uint8_t, 16>;

template <class Octets>
std::string text_of(int family, const Octets& octets) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(family, octets.data(), text, sizeof text);
  return text;
}

address_reach reach_of(const ipv4_octets& octets) {
  if (octets[0] == 127 || octets[0] == 0) return address_reach::loopback;
  if (octets[0] >= 224 || (octets[0] == 169 && octets[1] == 254)) return address_reach::none;
  return address_reach::host;
}

address_reach reach_of(const ipv6_octets& octets) {
  const bool zeros = std::all_of(octets.begin(), octets.end() - 1, [](auto octet) { return octet == 0; });
  if (zeros && octets[15] <= 1) return address_reach::loopback;
  const bool link_local = octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80;
  if (octets[0] == 0xff || link_local) return address_reach::none;
  return address_reach::host;
}

host_address make(const ipv4_octets& octets) {
  return {text_of(AF_INET, octets), false, reach_of(octets)};
}

host_address make(const ipv6_octets& octets) {
  constexpr ipv6_octets mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(octets.begin(), octets.begin() + 12, mapped.begin())) {
    return make(ipv4_octets{octets[12], octets[13], octets[14], octets[15]});
  }
  return {text_of(AF_INET6, octets), true, reach_of(octets)};
}

template <class Octets>
std::optional<host_address> parse(int family, std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return std::nullopt;
  *std::copy(text.begin(), text.end(), terminated) = '\0';
  Octets octets;
  if (inet_pton(family, terminated, octets.data()) != 1) return std::nullopt;
  return make(octets);
}

}  // namespace

std::optional<host_address> parse_host_address(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return parse<ipv6_octets>(AF_INET6, text);
  return parse<ipv4_octets>(AF_INET, text);
}

std::optional<host_address> parse_address_literal(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != '[' || literal.back() != ']') return std::nullopt;
  literal = literal.substr(1, literal.size() - 2);
  constexpr std::string_view tag = "ipv6:";
  const bool tagged = literal.size() > tag.size() && std::equal(tag.begin(), tag.end(), literal.begin(),
                                                                [](char t, char c) { return t == c || t == (c | 32); });
  if (tagged) return parse<ipv6_octets>(AF_INET6, literal.substr(tag.size()));
  return parse<ipv4_octets>(AF_INET, literal);
}

}  // namespace gonets::delivery
