// What the sender domains' checks must know of this server, from its configuration and its machine.
#pragma once
#include "config/settings.h"
#include "domains/service.h"

namespace gonets::app {

domains::options domain_options(const config::settings& with);

// The addresses of this machine, as text; loopback and link-local ones, too.
std::vector<std::string> interface_addresses();

}  // namespace gonets::app
