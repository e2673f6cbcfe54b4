// What strangers may ask by HTTP: the pages by which who got a message unsubscribes. No part of the API, and with
// nothing of it: what is in a request beside path and method is not looked at, but for the language.
#pragma once
#include <functional>
#include <string>

#include "feedback/unsubscriber.h"
#include "httpd/exchange.h"
#include "httpd/router.h"

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
};

// Calls `done` exactly once: at once, or when `ask` answers. `ask` must outlive that.
void handle_public(const request& asked, public_control& ask, on_response done);
request_handler handler_of(public_control& ask);

}  // namespace gonets::httpd
