// MTA-STS and TLS reports, put together: what is one for the process is here, what belongs to a shard is made here.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

#include "config/settings.h"
#include "metrics/metrics.h"
#include "mta_sts/cache.h"
#include "mta_sts/policy_table.h"
#include "mta_sts/source.h"
#include "runtime/dns.h"
#include "runtime/http_client.h"
#include "runtime/shards.h"
#include "storage/sql.h"
#include "tls_reports/collector.h"
#include "tls_reports/sender.h"
#include "tls_reports/table.h"

namespace gonets::app {

// A shard's part.
struct shard_tls {
  std::unique_ptr<runtime::http_client> http;
  std::unique_ptr<mta_sts::source> sts;
};

class tls_services {
 public:
  // All outlive this.
  struct environment {
    runtime::shards& shards;
    runtime::blocking_pool& blocking;
    storage::sql_database& database;
    const clock& time;
    metrics::registry& counts;
  };
  tls_services(const config::settings& with, environment env);

  // Before the shards start: reads the policies that are kept. Blocks.
  void load_policies();
  shard_tls make_shard(const config::settings& with, std::size_t number, runtime::resolver& dns,
                       runtime::tls_context_ptr trusted);
  // With what lives on shard 0.
  void start(const config::settings& with, runtime::resolver& dns, shard_tls& first,
             tls_reports::sender::submit_function submit, std::uint64_t seed);
  // From any thread; the second one on each shard, for its part.
  void reconfigure(const config::settings& fresh);
  static void reconfigure_shard(const config::settings& fresh, shard_tls& own, const runtime::tls_context_ptr& trusted);
  // After the shards have stopped.
  void close();

  delivery::tls_observer& sessions() { return counted_; }
  const mta_sts::cache& policies() const { return policies_; }
  tls_reports::table& reports() { return reports_; }
  tls_reports::sender& sender() { return *sender_; }

 private:
  void keep_policy(const mta_sts::kept_policy& policy);
  void refresh_policies(mta_sts::source& with);

  const environment env_;
  mta_sts::cache policies_;
  mta_sts::policy_table kept_policies_;
  tls_reports::collector counted_;
  tls_reports::table reports_;
  std::unique_ptr<tls_reports::sender> sender_;
  std::atomic<bool> policies_loaded_{false};
};

}  // namespace gonets::app
