#include "app/blocklists.h"

#include "app/domain_options.h"
#include "config/egresses.h"

namespace gonets::app {
namespace {

bool is_ipv6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

// What receivers see, as far as it is known here: behind a proxy that chooses its address, nothing is.
std::vector<std::string> addresses_of(const config::settings& with, const config::egress& e) {
  if (!e.public_addresses.empty()) return e.public_addresses;
  if (e.name == config::default_egress && !with.domains.egress_addresses.empty()) return with.domains.egress_addresses;
  std::vector<std::string> all;
  for (const auto& source : {e.source_ipv4, e.source_ipv6}) {
    if (!source.empty()) all.push_back(source);
  }
  if (!all.empty() || e.proxy.speaks != config::exit_proxy::protocol::none) return all;
  for (auto& address : interface_addresses()) {
    if (is_ipv6(address) ? with.delivery.ipv6 : with.delivery.ipv4) all.push_back(std::move(address));
  }
  return all;
}

}  // namespace

delivery::blocklist_options blocklist_options_of(const config::settings& with) {
  delivery::blocklist_options o;
  o.zones = with.blocklists.zones;
  o.check_every = with.blocklists.check_every;
  o.take_out = with.blocklists.take_out;
  if (o.zones.empty()) return o;
  const auto add = [&](std::string_view name) {
    const auto e = config::find_egress(with, name).value();
    for (auto& address : addresses_of(with, e)) {
      if (shaping::is_public(address)) o.addresses.push_back({e.name, std::move(address)});
    }
  };
  add(config::default_egress);
  for (const auto& e : with.egresses)
    add(e.name);
  return o;
}

}  // namespace gonets::app
