// What strangers may ask by HTTP: the pages by which who got a message unsubscribes, and the addresses by which his
// opens and clicks are seen. No part of the API, and with nothing of it.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/network.h"
#include "feedback/unsubscriber.h"
#include "httpd/exchange.h"
#include "httpd/router.h"
#include "tracking/tracker.h"

namespace gonets::httpd {

// Implemented by `app`. Calls come on any shard; answers come later, on the shard that asked; each is called exactly
// once.
class public_control {
 public:
  using done = std::move_only_function<void(feedback::subscription_result)>;

  virtual ~public_control() = default;
  virtual void subscription(std::string token, done answer) = 0;  // changes nothing
  // Answers once it is safe.
  virtual void change_subscription(std::string token, feedback::wish what, feedback::said_by way, done answer) = 0;

  // "/o/..." or "/c/...". Nothing: we made no such address.
  virtual std::optional<message::visit> read_visit(std::string_view path) const = 0;
  // Told of in its own time.
  virtual void visited(message::visit where, tracking::visitor who) = 0;
};

using networks = std::vector<network>;
// Calls `done` exactly once: at once, or when `ask` answers. `ask` must outlive that. The last address that one of
// `proxies` forwards for is the visitor's.
void handle_public(const request& asked, public_control& ask, const networks& proxies, on_response done);
request_handler handler_of(public_control& ask, networks proxies);

}  // namespace gonets::httpd
