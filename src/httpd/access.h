// Who may ask what of the API. Over the Unix socket, whoever can open it, everything. Over TCP anybody on this machine
// can connect, a proxy for the world included: without an API key only what watches a server is answered there.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "httpd/control.h"
#include "httpd/exchange.h"

namespace gonets::httpd {

enum class needs : std::uint8_t {
  nothing,  // answered to anybody
  read,     // a key with the scope read or admin
  admin
};

// What a route asks of a key.
struct route_access {
  needs scope = needs::read;
  bool for_accounts = false;  // keys of an account other than `default` may ask, and see their own
};

// As whom a request is answered.
struct asker {
  std::string account;  // of an account's own key; empty: everything may be seen
};

// Nothing when `with` is good for the route; else the refusal: 401, 403 or 503.
std::optional<response> refuse_key(const key_verdict& with, const route_access& to);

// What stands in the request in place of a key; empty when there is no Bearer.
std::string_view bearer_of(std::string_view authorization);
response key_needed();

}  // namespace gonets::httpd
