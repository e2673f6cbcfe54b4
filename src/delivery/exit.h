// A connection to a host's address by an egress: from its source address, or through its proxy.
#pragma once
#include <functional>
#include <string>

#include "config/settings.h"
#include "delivery/delivery.h"
#include "runtime/stream.h"

namespace gonets::delivery {

struct exit_result {
  runtime::stream_ptr stream;  // null: there is none, and `why`
  std::string early;           // what the host said before the stream was handed over
  std::string why;
  bool egress_failed = false;  // the egress is to blame: it would fail for any host
};
using on_exit = std::move_only_function<void(exit_result)>;

// Whether the egress can go to addresses of this family. One that names an address of a single family keeps to it: mail
// must not leave by an address that nobody named.
bool uses(const config::egress& e, bool ipv6);

// Calls back later, on the shard of `env`, which outlives it. With port 0, `address` is the path of a Unix socket.
void connect_by(const environment& env, const config::egress& by, const std::string& address, std::uint16_t port,
                on_exit done);

}  // namespace gonets::delivery
