// From a destination to a connected stream: resolves the hosts, then tries one address after another.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "delivery/delivery.h"
#include "runtime/stream.h"

namespace gonets::delivery {

// One destination's candidates. next() connects to the next of them; after a refusal in the greeting the caller asks
// for another. Owned by the connection; its callbacks hold a weak reference.
class dialer : public std::enable_shared_from_this<dialer> {
 public:
  struct connected {
    runtime::stream_ptr stream;  // null: nothing is left to try
    std::string host, address;   // of the last one tried
    smtp::recipient_outcome why_not;
  };
  using handler = std::move_only_function<void(connected)>;

  dialer(const environment& env, std::shared_ptr<const routed_destination> to) : env_(env), to_(std::move(to)) {}
  // The reason that is told when all have failed; the last one set wins.
  void failed_because(smtp::recipient_outcome why) { why_ = std::move(why); }
  void next(handler done);

 private:
  struct candidate {
    std::string host, address;
    std::uint16_t port;
  };
  void resolve();
  void resolve_mx();
  void resolve_name();
  void add_addresses(const std::vector<std::string>& addresses);
  void try_next();
  void finish(runtime::stream_ptr stream);

  const environment& env_;
  std::shared_ptr<const routed_destination> to_;
  std::deque<candidate> candidates_;
  candidate current_;
  smtp::recipient_outcome why_;
  handler done_;
  bool resolved_ = false;
  int answers_open_ = 0;
};

}  // namespace gonets::delivery
