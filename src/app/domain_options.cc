#include "app/domain_options.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>

#include "base/network.h"
#include "message/fixed_addresses.h"

namespace gonets::app {
namespace {

// Others see mail come from there; the rest is of this machine or its nearest net.
bool is_seen_outside(const std::string& text) {
  const auto address = parse_address(text);
  if (!address || is_loopback(*address)) return false;
  return !is_ipv4(*address) ? (*address)[0] != 0xFE && ((*address)[0] & 0xFE) != 0xFC
                            : !((*address)[12] == 169 && (*address)[13] == 254);
}

std::vector<std::string> addresses_of_delivery(const config::settings& with) {
  const auto& out = with.delivery;
  const auto machine = interface_addresses();
  std::vector<std::string> found;
  const auto add = [&](bool used, const std::string& fixed, bool ipv4) {
    if (!used) return;
    if (!fixed.empty()) return found.push_back(fixed);
    std::ranges::copy_if(machine, std::back_inserter(found), [&](const auto& a) {
      const auto address = parse_address(a);
      return address && is_ipv4(*address) == ipv4 && is_seen_outside(a);
    });
  };
  add(out.ipv4, out.source_ipv4, true);
  add(out.ipv6, out.source_ipv6, false);
  return found;
}

// With the HELO name of each.
std::vector<std::pair<std::string, std::string>> egress_addresses(const config::settings& with) {
  std::vector<std::pair<std::string, std::string>> all;
  const bool given = !with.domains.egress_addresses.empty();
  for (const auto& address : given ? with.domains.egress_addresses : addresses_of_delivery(with))
    all.emplace_back(address, with.delivery.helo);
  if (given) return all;
  for (const auto& e : with.egresses) {
    for (const auto& source : {e.source_ipv4, e.source_ipv6}) {
      if (!source.empty()) all.emplace_back(source, e.helo.empty() ? with.delivery.helo : e.helo);
    }
  }
  return all;
}

// At the feedback domain: reports that come there are read.
std::string report_address(const config::settings& with, message::fixed_address which) {
  if (with.feedback.domain.empty()) return {};
  return std::string(message::local_part_of(which)) + "@" + with.feedback.domain;
}

}  // namespace

std::vector<std::string> interface_addresses() {
  std::vector<std::string> all;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return all;
  for (const auto* at = first; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    const auto family = at->ifa_addr->sa_family;
    const void* bytes =
        family == AF_INET    ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(at->ifa_addr)->sin_addr)
        : family == AF_INET6 ? static_cast<const void*>(&reinterpret_cast<sockaddr_in6*>(at->ifa_addr)->sin6_addr)
                             : nullptr;
    char text[INET6_ADDRSTRLEN];
    if (bytes != nullptr && ::inet_ntop(family, bytes, text, sizeof text) != nullptr) all.emplace_back(text);
  }
  ::freeifaddrs(first);
  return all;
}

domains::options domain_options(const config::settings& with) {
  domains::options o;
  o.on.hostname = with.server.hostname;
  o.on.spf = with.domains.spf;
  o.on.return_path_host = with.domains.return_path_host;
  o.on.tracking_host = with.domains.tracking_host;
  o.on.dmarc_reports = with.domains.dmarc_reports.empty() ? report_address(with, message::fixed_address::dmarc_reports)
                                                          : with.domains.dmarc_reports;
  o.on.tls_reports = report_address(with, message::fixed_address::tls_reports);
  for (auto& [address, helo] : egress_addresses(with))
    o.on.egresses.push_back({std::move(address), std::move(helo)});
  o.check_every = with.domains.check_every;
  o.retire_after = with.domains.retire_after;
  return o;
}

}  // namespace gonets::app
