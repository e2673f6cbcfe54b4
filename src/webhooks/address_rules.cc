#include "webhooks/address_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace gonets::webhooks {
namespace {

// IANA's registries of special-purpose addresses, and multicast.
const std::vector<network>& special_networks() {
  static const std::vector<network> all = [] {
    std::vector<network> made;
    for (const auto* text :
         {"0.0.0.0/8",      "10.0.0.0/8",    "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16", "172.16.0.0/12",
          "192.0.0.0/24",   "192.0.2.0/24",  "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",  "198.51.100.0/24",
          "203.0.113.0/24", "224.0.0.0/4",   "240.0.0.0/4",    "::/96",          "64:ff9b:1::/48", "100::/64",
          "2001::/23",      "2001:db8::/32", "3fff::/20",      "5f00::/16",      "fc00::/7",       "fe80::/10",
          "fec0::/10",      "ff00::/8"})
      made.push_back(parse_network(text).value());
    return made;
  }();
  return all;
}

address_bytes mapped(const std::uint8_t* four) {
  address_bytes a{};
  a[10] = a[11] = 0xFF;
  std::copy_n(four, 4, a.begin() + 12);
  return a;
}

}  // namespace

bool is_special(const address_bytes& address) {
  const auto listed = [&](const address_bytes& a) {
    return std::ranges::any_of(special_networks(), [&](const network& n) { return n.contains(a); });
  };
  static const network nat64 = parse_network("64:ff9b::/96").value();
  static const network six_to_four = parse_network("2002::/16").value();
  if (nat64.contains(address)) return listed(mapped(address.data() + 12));
  if (six_to_four.contains(address)) return listed(mapped(address.data() + 2));
  return listed(address);
}

std::string refuse_address(const address_bytes& address, bool tls, std::span<const network> allowed) {
  if (std::ranges::any_of(allowed, [&](const network& n) { return n.contains(address); })) return {};
  if (is_special(address))
    return fmt::format("{} is not an address of the internet, and no network of webhooks.allow_networks has it",
                       to_text(address));
  if (!tls) return "http:// is spoken only with networks of webhooks.allow_networks: take https://";
  return {};
}

}  // namespace gonets::webhooks
