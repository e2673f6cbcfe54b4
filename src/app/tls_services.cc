#include "app/tls_services.h"

#include "base/log.h"
#include "message/address.h"

namespace gonets::app {
namespace {

using namespace std::chrono_literals;

constexpr auto refresh_period = 60s;
constexpr std::size_t refreshes_at_once_max = 16;
constexpr auto counts_period = 30s;
constexpr auto sending_period = 5s;
constexpr auto sender_trim_period = 1h;

mta_sts::source_options source_options(const config::settings& with) {
  mta_sts::source_options o;
  o.enabled = with.delivery.mta_sts;
  o.port = with.delivery.mta_sts_port;
  o.fetch_timeout = with.delivery.mta_sts_timeout;
  return o;
}

runtime::http_options http_options(const config::settings& with, runtime::tls_context_ptr trusted) {
  runtime::http_options o;
  o.tls = std::move(trusted);
  o.ipv4 = with.delivery.ipv4;
  o.ipv6 = with.delivery.ipv6;
  o.allow_loopback = with.delivery.allow_loopback_mx;
  return o;
}

tls_reports::collector_options collector_options(const config::settings& with) {
  tls_reports::collector_options o;
  o.enabled = with.tls_report.enabled;
  return o;
}

tls_reports::sender_options sender_options(const config::settings& with) {
  const auto& from = with.tls_report;
  return {from.enabled,        from.organization, from.from, from.contact, std::string(message::domain_of(from.from)),
          with.server.hostname};
}

}  // namespace

tls_services::tls_services(const config::settings& with, environment env)
    : env_(env),
      kept_policies_(env.database),
      counted_(collector_options(with), env.time, env.counts),
      reports_(env.database) {
  env_.counts.make_callback_gauge("gonets_mta_sts_policies", "MTA-STS policies in force",
                                  [this] { return static_cast<double>(policies_.policies(env_.time.wall())); });
}

void tls_services::load_policies() {
  auto kept = kept_policies_.load(env_.time.wall());
  if (!kept) {
    GONETS_LOG(error, "mta_sts_policies_not_loaded", "error", kept.error().detail, "effect",
               "policies are fetched anew; tried again every minute");
    return;
  }
  for (auto& policy : *kept)
    policies_.load(std::move(policy));
  policies_loaded_ = true;
}

shard_tls tls_services::make_shard(const config::settings& with, std::size_t number, runtime::resolver& dns,
                                   runtime::tls_context_ptr trusted) {
  shard_tls made;
  made.http = std::make_unique<runtime::http_client>(env_.shards, number, dns, http_options(with, std::move(trusted)));
  made.sts = std::make_unique<mta_sts::source>(source_options(with), policies_, dns, *made.http, counted_, env_.time,
                                               env_.counts,
                                               [this](const mta_sts::kept_policy& policy) { keep_policy(policy); });
  return made;
}

void tls_services::start(const config::settings& with, runtime::resolver& dns, shard_tls& first,
                         tls_reports::sender::submit_function submit, std::uint64_t seed) {
  sender_ = std::make_unique<tls_reports::sender>(
      sender_options(with),
      tls_reports::sender::environment{env_.shards, 0, env_.blocking, dns, *first.http, counted_, reports_, env_.time,
                                       std::move(submit)},
      seed, env_.counts);
  auto& sender = *sender_;
  env_.shards.every(0, counts_period, [&sender] { sender.keep_counts(); });
  env_.shards.every(0, sending_period, [&sender] { sender.tick(); });
  env_.shards.every(0, sender_trim_period, [&sender] { sender.trim(); });
  env_.shards.every(0, refresh_period, [this, &sts = *first.sts] { refresh_policies(sts); });
}

void tls_services::keep_policy(const mta_sts::kept_policy& policy) {
  const bool taken = env_.blocking.run([this, policy] {
    if (const auto saved = kept_policies_.save(policy); !saved) {
      GONETS_LOG(warning, "mta_sts_policy_not_kept", "domain", policy.domain, "error", saved.error().detail, "effect",
                 "a restart forgets it");
    }
  });
  if (!taken) {
    GONETS_LOG(warning, "mta_sts_policy_not_kept", "domain", policy.domain, "error", "the pool of threads is full",
               "effect", "a restart forgets it");
  }
}

void tls_services::refresh_policies(mta_sts::source& with) {
  if (!policies_loaded_) env_.blocking.run([this] { load_policies(); });
  for (const auto& domain : policies_.take_stale(env_.time.wall(), refreshes_at_once_max))
    with.refresh(domain, [] {});
}

void tls_services::reconfigure(const config::settings& fresh) {
  counted_.reconfigure(collector_options(fresh));
  sender_->reconfigure(sender_options(fresh));
}

void tls_services::reconfigure_shard(const config::settings& fresh, shard_tls& own,
                                     const runtime::tls_context_ptr& trusted) {
  own.http->reconfigure(http_options(fresh, trusted));
  own.sts->reconfigure(source_options(fresh));
}

void tls_services::close() {
  if (sender_) sender_->keep_counts_now();
}

}  // namespace gonets::app
