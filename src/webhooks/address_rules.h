// To which addresses webhooks may go. Whoever can add one chooses where this server connects to: not into the network
// that it stands in. Pure.
#pragma once
#include <span>
#include <string>

#include "base/network.h"

namespace gonets::webhooks {

// Private, loopback, link-local, shared, multicast and other addresses that are nobody's on the internet, also where
// IPv6 carries an IPv4 address (NAT64, 6to4, mapped).
bool is_special(const address_bytes& address);

// Why nothing is sent there; empty: it may be. In `allowed` networks all is, and only there without TLS.
std::string refuse_address(const address_bytes& address, bool tls, std::span<const network> allowed);

}  // namespace gonets::webhooks
