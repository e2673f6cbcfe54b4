// All parts of a running server and the order in which they are made. What belongs to one shard is in shard_parts.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "accounts/registry.h"
#include "app/hold_keeper.h"
#include "app/tls_services.h"
#include "auth/authenticator.h"
#include "base/id_source.h"
#include "config/settings.h"
#include "delivery/blocklist_watch.h"
#include "delivery/delivery.h"
#include "domains/service.h"
#include "events/feed.h"
#include "feedback/inbox.h"
#include "intake/intake.h"
#include "journal/keeper.h"
#include "metrics/metrics.h"
#include "runtime/dns.h"
#include "runtime/http_client.h"
#include "runtime/shards.h"
#include "runtime/tls.h"
#include "scheduler/scheduler.h"
#include "sinks/sink.h"
#include "spool/spool.h"
#include "tracking/tracker.h"
#include "webhooks/service.h"

namespace gonets::app {

struct shard_parts {
  config::settings with;  // the shard's own copy: a reload changes it on the shard
  std::unique_ptr<runtime::resolver> dns;
  std::unique_ptr<delivery::mx_lookup> mx;
  shard_tls tls;
  std::unique_ptr<runtime::http_client> hooks;  // to webhooks
  std::unique_ptr<delivery::destinations> directory;
  std::unique_ptr<delivery::delivery> delivery;
  std::unique_ptr<scheduler::scheduler> scheduler;
};

struct parts {
  explicit parts(const config::settings& settings);
  ~parts();

  // Opens the spool and makes what needs it. Throws std::runtime_error with what to do.
  void open();
  // Runs until every shard has done what was posted to it before.
  void wait_for_shards();
  void reconfigure(const config::settings& fresh);
  void stop_delivery();
  std::size_t deliveries() const;  // connections and leases that are not over
  // Writes and syncs all that is owed; no part may be used or destroyed afterwards.
  void close();
  scheduler::scheduler& scheduler_of(const spool::queued_message& m, const spool::loaded_recipient& r);

  const config::settings& with;
  runtime::system_clock time;
  metrics::registry counts;
  runtime::shards shards;
  runtime::blocking_pool blocking;
  runtime::blocking_pool signers;   // DKIM: so that neither a disk nor a shard waits for a signature
  runtime::blocking_pool database;  // SQL: so that nothing else waits when it hangs
  std::unique_ptr<accounts::registry> accounts;
  std::unique_ptr<auth::introspector> tokens;
  std::unique_ptr<auth::authenticator> logins;
  std::unique_ptr<spool::spool> store;
  runtime::tls_context_ptr client_tls;  // of delivery: shared, so that sessions are resumed across shards
  std::unique_ptr<storage::sql_database> tls_database;  // this server's own
  std::unique_ptr<tls_services> tls;
  std::unique_ptr<hold_keeper> holds;
  std::atomic<std::shared_ptr<const shaping::rules>> rules;  // in force
  shaping::limit_book limits;                                // [[limit]]
  shaping::warm_up_book warm_ups{limits};
  delivery::egress_book egresses;
  std::unique_ptr<delivery::access_tokens> access_tokens;  // of our own logins
  std::unique_ptr<id_source> ids;
  std::optional<message::verp_signer> return_paths, unsubscribe_tokens, feedback_ids;
  std::optional<message::tracked_addresses> tracked;
  std::unique_ptr<tracking::tracker> tracker;
  std::unique_ptr<storage::sql_database> reports_database;  // this server's own: what others report of sender domains
  std::unique_ptr<feedback::report_table> reports;
  std::unique_ptr<feedback::report_keeper> report_keeper;
  std::unique_ptr<feedback::unsubscriber> unsubscribes;
  std::unique_ptr<feedback::inbox> inbox;
  std::unique_ptr<intake::intake> intake;
  std::unique_ptr<runtime::resolver> domains_dns;  // of shard 0
  std::unique_ptr<domains::service> domains;
  std::unique_ptr<journal::keeper> journal;                 // null: journal.enabled says so
  std::unique_ptr<storage::sql_database> webhook_database;  // the accounts', by a connection of its own
  std::unique_ptr<webhooks::table> webhook_table;
  std::unique_ptr<webhooks::service> webhooks;
  std::vector<std::unique_ptr<sinks::sink>> sinks;
  std::unique_ptr<events::feed> feed;                     // for the API's clients
  std::unique_ptr<delivery::blocklist_watch> blocklists;  // of shard 0
  std::vector<std::unique_ptr<shard_parts>> by_shard;
  std::string capture_path;
  std::atomic<bool> loading{true};
  std::atomic<std::size_t> deliveries_open{0};

 private:
  std::string account_name(account_id who) const;  // empty: there is none
  void set_limits(const config::settings& from);
  void recall_warm_ups();
  void open_accounts();
  void tell_of_accounts(const accounts::directory& all);
  void pause_accounts(const accounts::directory& all);
  void open_holds();
  void make_access_tokens();
  void make_logins();
  void open_domains();
  void open_blocklists();
  void open_webhooks(std::uint64_t seed);
  void make_inbox();
  void trim_reports();
  std::optional<message_id> find_by_header(std::string_view header_message_id) const;
  void make_shard(std::size_t number, std::uint64_t seed);
  void start_tls_reports(std::uint64_t seed);
  std::atomic<bool> polling_{false};
  scheduler::scheduler::account_reasons paused_;  // as the schedulers know them
  scheduler::scheduler::account_weights weights_;
  scheduler::scheduler::suppression_policies suppression_policies_;
};

// The folder of the accounts' database that may have to be made; empty when there is none, as with PostgreSQL.
std::string accounts_folder(const config::settings& with);

}  // namespace gonets::app
