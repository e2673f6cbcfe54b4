// MTA-STS for one shard's deliveries (RFC 8461): answers from the shared cache, looks up records and fetches policies
// with the shard's resolver and HTTP client. Lives on its shard.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "delivery/sts_source.h"
#include "delivery/tls_observer.h"
#include "metrics/metrics.h"
#include "mta_sts/cache.h"
#include "runtime/dns.h"
#include "runtime/http_client.h"

namespace gonets::mta_sts {

struct source_options {
  bool enabled = true;
  std::uint16_t port = 443;  // of policy hosts; another one in labs only
  std::chrono::milliseconds fetch_timeout = std::chrono::minutes(1);
  std::size_t fetches_max = 500;  // at a time; beyond: the domain goes without for now
};

// A record's answer holds for its TTL within these.
inline constexpr std::chrono::seconds record_ttl_min{1};
inline constexpr std::chrono::seconds absence_ttl_min{60};
inline constexpr std::chrono::seconds record_ttl_max{3600};
inline constexpr std::chrono::minutes fetch_again{5};  // after a failure, RFC 8461 3.3
inline constexpr std::chrono::seconds dns_again{60};

class source final : public delivery::sts_source {
 public:
  // Told of each policy that was fetched, to be kept; on the shard.
  using keeper = std::function<void(const kept_policy&)>;

  // References outlive this; what is under way when it goes is dropped.
  source(source_options with, cache& known, runtime::resolver& dns, runtime::http_client& http,
         delivery::tls_observer& failures, const clock& time, metrics::registry& counts, keeper keep);
  ~source() override;

  void find(std::string_view domain, handler done) override;
  // Looks up and fetches now, whatever is known; then runs `done`.
  void refresh(std::string_view domain, std::move_only_function<void()> done);
  void reconfigure(source_options with);

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace gonets::mta_sts
