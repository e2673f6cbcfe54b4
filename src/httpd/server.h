// Serves HTTP/1.1 on a Unix socket, on a TCP address, or on both. Owned by `app`; `on` must outlive it. Connections are
// spread over the shards.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "config/settings.h"
#include "httpd/router.h"
#include "runtime/shards.h"

namespace gonets::httpd {

struct server_options {
  std::string socket_path;         // empty: none
  std::optional<endpoint> listen;  // port 0: the kernel's choice
  bool loopback_only = true;       // `listen` must be an address of that kind
  // Whom the socket, and its directory if it is made, is given to: the user that the server will run as.
  std::optional<std::pair<uid_t, gid_t>> owner;
  std::size_t connections_max = 100;           // beyond: 503
  std::uint32_t header_bytes_max = 16 * 1024;  // beyond: 431
  std::uint64_t body_bytes_max = 1024 * 1024;  // beyond: 413
  std::chrono::seconds timeout{60};            // to receive a request, to send an answer; idle ones are closed, too
};

class server {
 public:
  server(runtime::shards& on, request_handler answer, server_options options);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Before privileges are dropped. Throws std::system_error or std::runtime_error, with the address in the text. A
  // socket that is left from a crash is replaced; one that somebody listens on is not.
  void bind();
  void start();
  // Stops accepting, closes the connections and removes the socket. From outside of the shards, before they stop.
  void stop();
  std::uint16_t port() const;  // of the TCP listener once bound; 0 without one

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace gonets::httpd
