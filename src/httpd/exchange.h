// One HTTP exchange as the routes see it: no sockets, no Beast. Values; own their text.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/network.h"

namespace gonets::httpd {

struct request {
  std::string method = "GET";
  std::string target;  // path and query, as they stood in the request line
  std::string body;
  std::string host;           // of the Host field; empty without one
  std::string authorization;  // of that field
  std::string accept_language;
  std::string accept;                     // of that field
  std::string last_event_id;              // of that field
  std::string user_agent, forwarded_for;  // of those fields; X-Forwarded-For is believed from proxies alone
  address_bytes peer{};                   // of a TCP connection
  bool has_origin = false;                // browsers send Origin; programs don't
  bool over_tcp = false;                  // anyone on this machine can connect, web pages included
};

// A body that is made while it is sent. Used on the connection's shard alone.
class body_parts {
 public:
  using done = std::move_only_function<void(std::string)>;
  virtual ~body_parts() = default;
  // Asked for once what came before is written; `part` is called once, at once or later. Empty: that was all.
  virtual void next(done part) = 0;
};

struct response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;                                        // the Allow field (405)
  std::string authenticate;                                 // the WWW-Authenticate field (401)
  std::vector<std::pair<std::string, std::string>> fields;  // more of them
  std::shared_ptr<body_parts> parts;                        // in place of `body`
};

// Error bodies: {"error":{"code","message","hint"}}, one shape for all; the codes are listed in api/openapi.yaml.
// `hint` says what to do next, and is left out when empty.
response error_response(unsigned status, std::string_view code, std::string_view message, std::string_view hint = "");

}  // namespace gonets::httpd
