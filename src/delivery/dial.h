// From a destination to a connected stream: resolves the hosts, finds what TLS each asks for, then tries one address
// after another.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "delivery/delivery.h"
#include "delivery/exit.h"
#include "runtime/stream.h"
#include "tls_policy/decision.h"

namespace gonets::delivery {

// A host, and what is asked of TLS to it.
struct tls_target {
  std::string host;
  tls_policy::host_demand demand;
  tls_policy::host_tlsa tlsa;
};

// One destination's candidates. next() connects to the next of them; after a refusal in the greeting the caller asks
// for another. Owned by the connection; its callbacks hold a weak reference.
class dialer : public std::enable_shared_from_this<dialer> {
 public:
  // A host that was not connected to, since its TLSA records could not be looked up.
  struct passed_over {
    std::string host, why;
  };
  struct connected {
    runtime::stream_ptr stream;  // null: nothing is left to try
    std::string early;           // what the host has said already
    std::string address;         // of the last one tried
    tls_target target;
    std::vector<passed_over> before;
    smtp::recipient_outcome why_not;
    std::optional<spool::egress_trouble> egress_down;  // nothing was tried for that
  };
  using handler = std::move_only_function<void(connected)>;

  dialer(const environment& env, std::shared_ptr<const routed_destination> to) : env_(env), to_(std::move(to)) {}
  // The reason that is told when all have failed; the last one set wins.
  void failed_because(smtp::recipient_outcome why) { why_ = std::move(why); }
  void next(handler done);
  void again(handler done);  // to where the last one went
  bool has_another_host() const;
  void pass_host_over();  // that of the last one, with all of its addresses

 private:
  struct candidate {
    std::size_t host;
    std::string address;
    std::uint16_t port;
  };
  struct host {
    mx_host known;
    bool decided = false;
    std::optional<tls_policy::host_demand> demand;
    tls_policy::host_tlsa tlsa;
  };
  void resolve();
  void resolve_mx();
  void resolve_name();
  void add_only_host(std::string name, const std::vector<std::string>& addresses, std::uint16_t port);
  void next_soon();
  void try_next();
  bool decide(std::size_t host);
  void take_tlsa(std::size_t at, tls_policy::host_tlsa found);
  void connect();
  void on_connected(exit_result result);
  void finish(runtime::stream_ptr stream, std::string early = {});

  const environment& env_;
  std::shared_ptr<const routed_destination> to_;
  std::vector<host> hosts_;
  std::deque<candidate> candidates_;
  candidate current_{};
  std::vector<passed_over> passed_over_;
  std::vector<std::string> addresses_;  // of a host that is named
  smtp::recipient_outcome why_;
  config::egress egress_;
  std::string egress_fault_;  // why it can't be used, for some or all addresses
  bool tried_ = false;        // a host's address by an egress that works
  handler done_;
  bool resolved_ = false;
  bool deciding_ = false;
  int answers_open_ = 0;
};

}  // namespace gonets::delivery
