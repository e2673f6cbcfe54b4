#include "tls_reports/collector.h"

#include <algorithm>
#include <utility>

namespace gonets::tls_reports {
namespace {

// Of what peers and DNS had a part in: fit for JSON and SQL.
std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string clean(text.substr(0, bytes_max));
  std::ranges::replace_if(
      clean, [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

}  // namespace

collector::collector(collector_options with, const clock& time, metrics::registry& counts)
    : time_(time),
      lost_(counts.make_counter("gonets_tls_report_sessions_lost_total",
                                "Sessions that are in no TLS report because there were too many policies")),
      with_(with),
      enabled_(with.enabled) {}

void collector::observe(const delivery::tls_session_report& session) {
  if (!enabled_.load(std::memory_order_relaxed)) return;
  policy_key policy;
  policy.day = std::chrono::floor<std::chrono::days>(time_.wall());
  policy.domain = session.recipient_domain;
  policy.kind = session.policy;
  policy.lines.assign(session.policy_lines.begin(), session.policy_lines.end());
  policy.mx_patterns.assign(session.mx_patterns.begin(), session.mx_patterns.end());
  session_key key;
  key.result = session.result;
  if (session.result != tls_policy::tls_result::success) {
    key.mx_host = printable(session.mx_host, 253);
    key.sending_ip = session.local_address;
    key.receiving_ip = session.remote_address;
    key.reason = printable(session.detail, reason_bytes_max);
  }
  const std::lock_guard lock(mutex_);
  add(policy, std::move(key), 1);
}

void collector::add(const policy_key& policy, session_key session, std::uint64_t sessions) {
  auto at = tallies_.find(policy);
  if (at == tallies_.end()) {
    if (tallies_.size() >= with_.policies_max) return lost_.add(sessions);
    at = tallies_.try_emplace(policy).first;
  }
  auto& counted = at->second;
  if (counted.size() >= with_.failures_max && !counted.contains(session)) session = {session.result, {}, {}, {}, {}};
  counted[std::move(session)] += sessions;
}

tallies collector::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(tallies_, {});
}

void collector::give_back(tallies old) {
  const std::lock_guard lock(mutex_);
  for (auto& [policy, sessions] : old) {
    for (const auto& [key, count] : sessions)
      add(policy, key, count);
  }
}

void collector::reconfigure(collector_options with) {
  const std::lock_guard lock(mutex_);
  with_ = with;
  enabled_ = with.enabled;
}

}  // namespace gonets::tls_reports
