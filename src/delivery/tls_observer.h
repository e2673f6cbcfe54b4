// Who is told how TLS went in each session of delivery: the collector of TLS reports (RFC 8460). Called on the shard of
// the connection; implementations are per shard, or lock by themselves. All views last for the call.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "tls_policy/outcome.h"

namespace gonets::delivery {

// One session, as one recipient domain sees it: told once for each domain that a connection served or was opened for.
struct tls_session_report {
  std::string_view recipient_domain;  // A-labels, lower case
  tls_policy::reported_policy policy = tls_policy::reported_policy::no_policy_found;
  std::span<const std::string> policy_lines;  // sts: the policy's lines; tlsa: records as "3 1 1 ABCD..."
  std::span<const std::string> mx_patterns;   // sts: its mx patterns
  std::string_view mx_host;                   // tried or used
  std::string_view remote_address;            // textual; empty: no connection was made
  std::string_view local_address;             // textual; empty: no connection was made
  tls_policy::tls_result result = tls_policy::tls_result::success;
  std::string_view detail;  // of a failure, for people: "certificate has expired"
};

class tls_observer {
 public:
  virtual ~tls_observer() = default;
  virtual void observe(const tls_session_report& session) = 0;
};

// Told to nobody.
class no_tls_observer final : public tls_observer {
 public:
  void observe(const tls_session_report&) override {}
};

}  // namespace gonets::delivery
