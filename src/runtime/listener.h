// Listening TCP sockets, one a shard with SO_REUSEPORT, so that the kernel spreads the connections.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "runtime/stream.h"

namespace gonets::runtime {

class listener {
 public:
  using on_accept = std::function<void(std::size_t shard, stream_ptr accepted)>;
  // Binds at once (so that privileges can be dropped afterwards); throws std::system_error with the address in its
  // text.
  listener(shards& on, const std::string& address, std::uint16_t port);
  ~listener();
  std::uint16_t port() const;  // the one bound, also when 0 was asked for
  void start(on_accept handler);
  void stop();  // from outside of the shards, before they stop, or after

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace gonets::runtime
