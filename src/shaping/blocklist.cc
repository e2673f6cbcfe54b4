#include "shaping/blocklist.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/network.h"

namespace gonets::shaping {

std::optional<std::string> blocklist_name(std::string_view address, std::string_view zone) {
  const auto bytes = parse_address(address);
  if (!bytes) return std::nullopt;
  std::string name;
  // The mapped addresses that are the lists' test entries are asked for as what they are written as.
  if (is_ipv4(*bytes) && address.find(':') == std::string_view::npos) {
    for (std::size_t i = 16; i-- > 12;)
      name += fmt::format("{}.", (*bytes)[i]);
  } else {
    for (std::size_t i = 16; i-- > 0;)
      name += fmt::format("{:x}.{:x}.", (*bytes)[i] & 15, (*bytes)[i] >> 4);
  }
  return name.append(zone);
}

listing listing_of(const std::vector<std::string>& addresses) {
  static const auto listed = parse_network("127.0.0.0/8").value(), refused = parse_network("127.255.255.0/24").value();
  if (addresses.empty()) return listing::clean;
  const bool sound = std::ranges::all_of(addresses, [](const std::string& text) {
    const auto a = parse_address(text);
    return a && listed.contains(*a) && !refused.contains(*a);
  });
  return sound ? listing::listed : listing::unknown;
}

std::string_view blocklist_test_listed(bool ipv6) {
  return ipv6 ? "::ffff:7f00:2" : "127.0.0.2";
}

std::string_view blocklist_test_clean(bool ipv6) {
  return ipv6 ? "::ffff:7f00:1" : "127.0.0.1";
}

bool is_public(std::string_view address) {
  static const std::array elsewhere{parse_network("0.0.0.0/8").value(),
                                    parse_network("10.0.0.0/8").value(),
                                    parse_network("100.64.0.0/10").value(),
                                    parse_network("127.0.0.0/8").value(),
                                    parse_network("169.254.0.0/16").value(),
                                    parse_network("172.16.0.0/12").value(),
                                    parse_network("192.168.0.0/16").value(),
                                    parse_network("224.0.0.0/3").value(),
                                    parse_network("::").value(),
                                    parse_network("::1").value(),
                                    parse_network("fc00::/7").value(),
                                    parse_network("fe80::/10").value(),
                                    parse_network("ff00::/8").value()};
  const auto a = parse_address(address);
  return a && std::ranges::none_of(elsewhere, [&](const network& n) { return n.contains(*a); });
}

}  // namespace gonets::shaping
