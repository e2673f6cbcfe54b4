// The routes of api/openapi.yaml, apart from the transport: what a request asks of `control`, and the answer's bytes.
#pragma once
#include <functional>
#include <string_view>
#include <vector>

#include "httpd/control.h"
#include "httpd/exchange.h"

namespace gonets::httpd {

using on_response = std::move_only_function<void(response)>;
// Calls `done` exactly once, at once or later, on the shard that it was called on.
using request_handler = std::function<void(const request& asked, on_response done)>;

// Calls `done` exactly once: at once, or when `ask` answers, on the thread that it answers on. `ask` must outlive that.
void handle(const request& asked, control& ask, on_response done);
request_handler handler_of(control& ask);

struct route_name {
  std::string_view method, pattern;  // "GET", "/v1/queue/messages/{id}"
};
std::vector<route_name> routes();

}  // namespace gonets::httpd
