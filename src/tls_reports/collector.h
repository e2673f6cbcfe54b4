// Counts how TLS went, in memory, until somebody takes the counts to the database. One for the process; safe from any
// thread.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "delivery/tls_observer.h"
#include "metrics/metrics.h"

namespace gonets::tls_reports {

// What sessions of one day, domain and policy have in common.
struct policy_key {
  std::chrono::sys_days day;  // UTC
  std::string domain;
  tls_policy::reported_policy kind = tls_policy::reported_policy::no_policy_found;
  std::vector<std::string> lines, mx_patterns;
  auto operator<=>(const policy_key&) const = default;
};

struct session_key {
  tls_policy::tls_result result = tls_policy::tls_result::success;
  std::string mx_host, sending_ip, receiving_ip, reason;  // empty for successes
  auto operator<=>(const session_key&) const = default;
};

using session_counts = std::map<session_key, std::uint64_t>;
using tallies = std::map<policy_key, session_counts>;

struct collector_options {
  bool enabled = true;
  std::size_t policies_max = 100'000;  // between two takes; sessions beyond are not counted
  std::size_t failures_max = 64;       // of one policy that are told apart; beyond: by their result alone
};

inline constexpr std::size_t reason_bytes_max = 200;

class collector final : public delivery::tls_observer {
 public:
  collector(collector_options with, const clock& time, metrics::registry& counts);

  void observe(const delivery::tls_session_report& session) override;
  // All since the last one.
  tallies take();
  // What could not be kept, to be taken again.
  void give_back(tallies old);
  void reconfigure(collector_options with);

 private:
  void add(const policy_key& policy, session_key session, std::uint64_t sessions);

  const clock& time_;
  metrics::counter& lost_;
  std::mutex mutex_;
  collector_options with_;
  tallies tallies_;
  std::atomic<bool> enabled_;  // with_.enabled: who doesn't count pays for no lock
};

}  // namespace gonets::tls_reports
