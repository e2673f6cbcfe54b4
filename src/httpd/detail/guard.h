// Who may speak to the API without a key.
#pragma once
#include <optional>

#include "httpd/exchange.h"

namespace gonets::httpd::detail {

// Over a Unix socket, whoever can open it. Over TCP anybody on this machine, a browser included: a page whose name
// resolves to 127.0.0.1 (DNS rebinding) betrays itself by the Host field, any other page's POST by the Origin field.
std::optional<response> refuse_foreign(const request& asked);

bool is_loopback_name(std::string_view host_and_port);  // "localhost:8025", "127.0.0.1", "[::1]:8025"

}  // namespace gonets::httpd::detail
