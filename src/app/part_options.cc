#include "app/part_options.h"

#include <algorithm>

#include "app/domain_options.h"
#include "base/log.h"
#include "config/bounce_rules.h"
#include "config/rules.h"
#include "webhooks/address_rules.h"

namespace gonets::app {
namespace {

constexpr std::chrono::milliseconds hook_kept_alive = std::chrono::seconds(30);

double per_second(const shaping::rate& r) {
  return 1000.0 * r.messages / double(r.per.count());
}

}  // namespace

scheduler::options scheduler_options(const config::settings& with, std::size_t shard, std::size_t shards,
                                     std::shared_ptr<const shaping::rules> rules) {
  scheduler::options o;
  o.rules = std::move(rules);
  o.bounces = &config::shipped_classifier();
  o.shard = shard;
  o.hostname = with.server.hostname;
  o.connections_per_site_max = with.delivery.connections_per_site_max;
  o.site_backoff_base = with.delivery.site_backoff_base;
  o.site_backoff_max = with.delivery.site_backoff_max;
  o.hot_bytes_max = with.spool.hot_bytes_max / shards;
  for (const auto& s : with.streams)
    o.streams.push_back({s.name, s.priority, s.retry});
  o.pace.adaptive = with.shaping.adaptive;
  o.pace.dry_run = with.shaping.dry_run;
  o.pace.start_rate = per_second(with.shaping.start_rate);
  o.pace.rate_max = per_second(with.shaping.rate_max);
  o.pace.start_connections = with.shaping.start_connections;
  return o;
}

std::shared_ptr<const shaping::rules> rules_of(const config::settings& with) {
  auto read = config::load_rules(with.shaping.rules_file);
  if (read) return std::make_shared<const shaping::rules>(std::move(*read));
  for (const auto& e : read.error())
    GONETS_LOG(error, "rules_not_read", "error", config::to_text(e));
  return nullptr;
}

intake::options intake_options(const config::settings& with) {
  intake::options o;
  o.hostname = with.server.hostname;
  o.header = {with.smtp.header_bytes_max, with.smtp.header_fields_max, with.smtp.hops_max};
  o.inbound_domains = with.smtp.inbound_domains;
  o.egress_choices = with.delivery.egress_choices;
  o.feedback_domain = with.feedback.domain;
  o.postmaster = with.feedback.postmaster;
  for (const auto& s : with.streams) {
    if (s.unsubscribe) o.unsubscribe_streams.push_back(s.name);
    if (s.feedback_id) o.feedback_id_streams.push_back(s.name);
    if (s.track_opens) o.track_opens_streams.push_back(s.name);
    if (s.track_clicks) o.track_clicks_streams.push_back(s.name);
  }
  o.web_url = with.web.url;
  o.signing.platform_domain = with.dkim.platform_domain;
  if (with.dkim.expires_after.count() > 0) {
    o.signing.expires_after = std::chrono::duration_cast<std::chrono::seconds>(with.dkim.expires_after);
  }
  return o;
}

feedback::options feedback_options(const config::settings& with) {
  return {with.feedback.forward, with.streams.front().name, with.feedback.postmaster};
}

auth::options auth_options(const config::settings& with) {
  const auto& from = with.auth;
  return {from.mechanisms,
          from.plaintext_networks,
          {from.failures_max, from.failure_window, from.lockout, from.failure_delay}};
}

runtime::dns_options dns_options_of(const config::settings& with) {
  runtime::dns_options o;
  for (const auto& s : with.dns.servers)
    o.servers.emplace_back(s.host, s.port);
  o.trust_anchor_file = with.dns.trust_anchor;
  o.timeout = with.dns.timeout;
  o.cache_bytes_max = with.dns.cache_bytes_max;
  return o;
}

runtime::http_options hook_options(const config::settings& with, runtime::tls_context_ptr trusted) {
  runtime::http_options o;
  o.tls = std::move(trusted);
  o.ipv4 = with.delivery.ipv4;
  o.ipv6 = with.delivery.ipv6;
  o.refuse_address = [allowed = with.webhooks.allow_networks](const address_bytes& a, bool tls) {
    return webhooks::refuse_address(a, tls, allowed);
  };
  o.keep_alive = hook_kept_alive;
  return o;
}

webhooks::service_options webhook_options(const config::settings& with) {
  using namespace std::chrono_literals;
  webhooks::service_options o;
  o.node = with.server.node;
  o.limits.timeout = with.webhooks.timeout;
  o.retry = {{5s, 10s, 30s, 1min, 2min, 5min, 10min}, with.webhooks.give_up_after};
  return o;
}

delivery::mx_options mx_options_of(const config::settings& with) {
  delivery::mx_options o;
  o.ipv4 = with.delivery.ipv4;
  o.ipv6 = with.delivery.ipv6;
  o.own_names = {with.server.hostname, with.delivery.helo};
  for (const auto& e : with.egresses) {
    if (!e.helo.empty()) o.own_names.push_back(e.helo);
  }
  for (const auto& l : with.listeners) {
    if (l.address.port != with.delivery.port) continue;
    o.own_addresses.push_back(l.address.host);
    if (l.address.host == "0.0.0.0" || l.address.host == "::")
      std::ranges::copy(interface_addresses(), std::back_inserter(o.own_addresses));
  }
  o.port = with.delivery.port;
  o.allow_loopback = with.delivery.allow_loopback_mx;
  return o;
}

}  // namespace gonets::app
