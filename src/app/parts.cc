#include "app/parts.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>
#include <thread>

#include "accounts/words.h"
#include "app/blocklists.h"
#include "app/domain_options.h"
#include "app/journal_privacy.h"
#include "app/part_options.h"
#include "auth/introspection.h"
#include "base/log.h"
#include "config/bounce_rules.h"

namespace gonets::app {
namespace {

constexpr std::chrono::milliseconds tick_period{25};
constexpr std::chrono::milliseconds trim_period = std::chrono::hours(1);
constexpr std::chrono::milliseconds feed_period{20};
constexpr std::size_t blocking_threads = 4;
constexpr std::size_t blocking_queue_max = 10'000;
constexpr std::size_t signing_queue_max = 10'000;
constexpr std::size_t database_threads = 2;
constexpr std::size_t database_queue_max = 1000;
constexpr std::chrono::milliseconds accounts_poll_period = std::chrono::seconds(1);
constexpr std::chrono::milliseconds domains_period = std::chrono::seconds(1);
constexpr std::chrono::milliseconds blocklists_period = std::chrono::seconds(1);
constexpr std::size_t domains_cache_bytes = 4'194'304;
constexpr std::chrono::milliseconds uses_period = std::chrono::minutes(1);

// One shard and the committer keep two cores busy; the rest of a larger machine is shared out in the same way.
std::size_t shard_count(const config::settings& with) {
  if (with.server.shards != 0) return with.server.shards;
  return std::max(1u, std::thread::hardware_concurrency() / 2);
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) throw std::runtime_error("the kernel gives no randomness");
  return seed;
}

// Of a file with one line.
std::string read_secret(const std::string& path) {
  std::ifstream file(path);
  std::string secret;
  if (!std::getline(file, secret) || secret.empty())
    throw std::runtime_error("no secret can be read from the first line of " + path);
  return secret;
}

}  // namespace

parts::parts(const config::settings& settings)
    : with(settings),
      shards(shard_count(settings)),
      blocking(blocking_threads, blocking_queue_max),
      signers(std::max(1u, std::thread::hardware_concurrency()), signing_queue_max),
      database(database_threads, database_queue_max),
      limits([this](account_id who) { return account_name(who); },
             [this](shaping::limit_level level, std::string_view name) {
               return store->pace().find(shaping::limit_key(level, name));
             }),
      egresses(time, counts) {
  set_limits(settings);
  egresses.configure(settings);
}

parts::~parts() = default;

std::string parts::account_name(account_id who) const {
  const auto known = accounts->current();
  const auto* found = known->find(who);
  return found == nullptr ? std::string() : found->name;
}

std::string accounts_folder(const config::settings& with) {
  constexpr std::string_view scheme = "sqlite:";
  const auto& url = with.accounts.database;
  if (!url.starts_with(scheme)) return {};
  return std::filesystem::path(url.substr(scheme.size())).parent_path();
}

void parts::open_accounts() {
  if (const auto folder = accounts_folder(with); !folder.empty() && !std::filesystem::exists(folder)) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) throw std::runtime_error("cannot make the folder of accounts.database: " + error.message());
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  accounts = std::make_unique<accounts::registry>(
      accounts::registry_options{with.accounts.database, with.accounts.key_file, with.accounts.stale_max}, time);
  if (auto opened = accounts->open(); !opened) throw std::runtime_error(opened.error());
  accounts->on_change(
      [this](const accounts::directory_ptr&, const accounts::directory_ptr& fresh) { tell_of_accounts(*fresh); });
  counts.make_callback_gauge("gonets_accounts_database_up", "1 while the accounts' database answers, else 0.",
                             [this] { return accounts->complete() ? 1.0 : 0.0; });
  shards.every(0, accounts_poll_period, [this] {
    if (polling_.exchange(true)) return;  // the last one waits for a database that hangs
    const bool taken = database.run([this] {
      accounts->poll();
      polling_.store(false);
    });
    if (!taken) polling_.store(false);
  });
  shards.every(0, uses_period, [this] { database.run([this] { accounts->write_uses(); }); });
}

void parts::tell_of_accounts(const accounts::directory& all) {
  pause_accounts(all);
  scheduler::scheduler::account_weights weights;
  scheduler::scheduler::suppression_policies policies;
  delivery::egress_book::account_ways ways;
  for (const auto& a : all.all().accounts) {
    if (a.weight != 1) weights.emplace(a.id, a.weight);
    if (!a.egress.empty()) ways.emplace(a.id, a.egress);
    if (a.suppression != bounce::suppression_policy{}) policies.emplace(a.id, a.suppression);
  }
  egresses.set_accounts(std::move(ways));
  if (policies != suppression_policies_) {
    suppression_policies_ = std::move(policies);
    const auto told = std::make_shared<const scheduler::scheduler::suppression_policies>(suppression_policies_);
    for (std::size_t i = 0; i < shards.size(); ++i)
      shards.post(i, [s = by_shard[i].get(), told] { s->scheduler->suppress_by(told); });
  }
  if (weights == weights_) return;
  weights_ = std::move(weights);
  const auto told = std::make_shared<const scheduler::scheduler::account_weights>(weights_);
  for (std::size_t i = 0; i < shards.size(); ++i)
    shards.post(i, [s = by_shard[i].get(), told] { s->scheduler->weigh_accounts(told); });
}

// The schedulers look through their whole queue, so they are told only of what changed. One call at a time.
void parts::pause_accounts(const accounts::directory& all) {
  scheduler::scheduler::account_reasons paused;
  for (const auto& a : all.all().accounts) {
    if (a.state == accounts::account_state::active) continue;
    paused.emplace(a.id, fmt::format("the account {0} is {1}; `gonets account resume {0}` lets its mail go", a.name,
                                     accounts::to_text(a.state)));
  }
  if (paused == paused_) return;
  paused_ = std::move(paused);
  const auto told = std::make_shared<const scheduler::scheduler::account_reasons>(paused_);
  for (std::size_t i = 0; i < shards.size(); ++i)
    shards.post(i, [s = by_shard[i].get(), told] { s->scheduler->pause_accounts(told); });
}

void parts::open_holds() {
  const auto tell = [this](const hold_keeper::holds_ptr& all, bool wait) {
    for (std::size_t i = 0; i < shards.size(); ++i)
      shards.post(i, [s = by_shard[i].get(), all] { s->scheduler->hold_back(all); });
    if (wait) wait_for_shards();
  };
  holds = std::make_unique<hold_keeper>(with.spool.path, tell);
  holds->open();
}

// A resolver of its own, that forgets soon: who has just published a record wants to see it. Forwarders have caches
// themselves; without them, a short memory spares the root servers.
void parts::open_domains() {
  auto dns = dns_options_of(with);
  dns.cache_bytes_max = domains_cache_bytes;
  dns.cache_ttl_max = std::chrono::seconds(with.dns.servers.empty() ? 30 : 0);
  domains_dns = runtime::make_unbound_resolver(shards.context(0), dns);
  domains = std::make_unique<domains::service>(domain_options(with), *accounts, shards, database, *domains_dns, time,
                                               [this](events::event e) { store->record(std::move(e)); });
  shards.every(0, domains_period, [this] { domains->tick(); });
}

// By the resolver that forgets soon: a list that has let an address go is believed at the next look.
void parts::open_blocklists() {
  const auto moved = [this](const std::string& egress) {
    for (std::size_t i = 0; i < shards.size(); ++i)
      shards.post(i, [s = by_shard[i].get(), egress] { s->scheduler->look_again(egress); });
  };
  blocklists = std::make_unique<delivery::blocklist_watch>(
      blocklist_options_of(with),
      delivery::blocklist_watch::environment{*domains_dns, time, counts, egresses,
                                             [this](events::event e) { store->record(std::move(e)); }, moved});
  shards.every(0, blocklists_period, [this] { blocklists->tick(); });
}

void parts::open_webhooks(std::uint64_t seed) {
  webhook_database = std::make_unique<storage::sql_database>(storage::sql_options{.url = with.accounts.database});
  webhook_table = std::make_unique<webhooks::table>(*webhook_database, accounts->sealing(), with.server.node);
  const auto send = [this](std::size_t shard, runtime::http_request request, const runtime::http_limits& bounds,
                           runtime::http_client::handler done) {
    shards.post(shard, [this, shard, request = std::move(request), bounds, done = std::move(done)]() mutable {
      by_shard[shard]->hooks->send(std::move(request), bounds, std::move(done));
    });
  };
  webhooks = std::make_unique<webhooks::service>(
      webhook_options(with),
      webhooks::service::environment{store->store(), store->safe_events(), *webhook_table, time, shards.size(), send,
                                     [this](account_id who) { return account_name(who); }},
      seed, counts);
}

void parts::open() {
  open_accounts();
  spool::options o;
  o.path = with.spool.path;
  o.free_bytes_min = with.spool.free_bytes_min;
  o.event_retention = with.spool.event_retention;
  std::error_code error;
  std::filesystem::create_directories(o.path, error);
  if (error) throw std::runtime_error("cannot make the spool's folder " + o.path + ": " + error.message());
  std::filesystem::permissions(o.path, std::filesystem::perms::owner_all, error);
  auto opened = spool::spool::open(o, shards, time, counts);
  if (!opened) throw std::runtime_error("cannot open the spool in " + o.path + ": " + opened.error().detail);
  store = std::move(*opened);
  store->begin_load();
  client_tls = runtime::make_client_tls({.ca_file = with.delivery.tls_ca_file});
  tls_database = std::make_unique<storage::sql_database>(
      storage::sql_options{.url = "sqlite:" + o.path + "/tls.db", .schema = storage::tls_schema_steps()});
  tls = std::make_unique<tls_services>(with, tls_services::environment{shards, blocking, *tls_database, time, counts});
  tls->load_policies();
  capture_path = o.path + "/capture";
  auto read = rules_of(with);
  if (!read) throw std::runtime_error("the providers and reply rules can't be read: see above");
  rules.store(std::move(read));
  recall_warm_ups();
  ids = std::make_unique<id_source>(with.server.node, store->highest_id());
  make_access_tokens();
  make_inbox();
  for (std::size_t i = 0; i < shards.size(); ++i)
    make_shard(i, random_seed());
  std::vector<scheduler::scheduler*> all;
  for (const auto& s : by_shard)
    all.push_back(s->scheduler.get());
  for (const auto& s : by_shard)
    s->scheduler->join(all);
  tell_of_accounts(*accounts->current());
  open_holds();
  intake = std::make_unique<intake::intake>(
      intake_options(with), *return_paths, *unsubscribe_tokens, *feedback_ids, *tracked, *store, *ids, time, *accounts,
      counts, random_seed(), shards, signers,
      [this](std::size_t shard, spool::message_ptr m) { by_shard[shard]->scheduler->admit(std::move(m)); });
  make_logins();
  open_domains();
  open_blocklists();
  if (with.journal.enabled)
    journal = std::make_unique<journal::keeper>(
        journal::place{o.path + "/journal", with.journal.database, with.server.node}, store->store(),
        store->safe_events(), time, counts, with.journal.retention, journal_privacy(*accounts));
  open_webhooks(random_seed());
  for (const auto& each : with.sinks) {
    sinks.push_back(std::make_unique<sinks::sink>(
        each, sinks::environment{store->store(), store->safe_events(), time, counts,
                                 [this] { return accounts->current(); }, o.path + "/sinks", with.server.hostname}));
  }
  feed = std::make_unique<events::feed>(store->store(), store->safe_events(), blocking);
  shards.every(0, feed_period, [this] { feed->tick(time.steady()); });
  start_tls_reports(random_seed());
  shards.every(0, trim_period, [this] {
    blocking.run([this] { store->trim(); });
    blocking.run([this] { trim_reports(); });
  });
}

// A report is a message like any other: by intake, signed for the domain of its From.
void parts::start_tls_reports(std::uint64_t seed) {
  auto& first = *by_shard.front();
  const auto submit = [this](std::string from, std::string to, std::string text, auto done) {
    intake::source own;
    own.peer_address = "127.0.0.1";
    own.helo = with.server.hostname;
    own.stream = "transactional";
    own.trusted = true;
    message::envelope envelope;
    envelope.reverse_path = std::move(from);
    auto& recipient = envelope.recipients.emplace_back();
    recipient.address = std::move(to);
    recipient.notify.never = true;  // RFC 8460 5.3: a report that fails is of no interest
    auto composed = intake->compose(own, std::move(envelope), text);
    if (!composed) return done(std::unexpected(composed.error().text));
    auto& m = *composed->message;
    m.body_bytes = m.head.size() + text.size();
    m.body = std::move(text);
    m.in_memory = true;
    intake->accept(std::move(*composed), own, 0, 0, [done = std::move(done)](std::optional<reply> refusal) mutable {
      if (refusal) return done(std::unexpected(refusal->text));
      done({});
    });
  };
  tls->start(with, *first.dns, first.tls, submit, seed);
}

void parts::make_inbox() {
  return_paths.emplace(accounts->secret_for("return paths"));
  unsubscribe_tokens.emplace(accounts->secret_for("unsubscribing"), message::verp_purpose::unsubscribe);
  unsubscribes = std::make_unique<feedback::unsubscriber>(
      feedback::unsubscriber::environment{*store, *unsubscribe_tokens, time, counts});
  tracked.emplace(accounts->secret_for("tracking"));
  tracker = std::make_unique<tracking::tracker>(
      tracking::tracker::environment{*store, time, counts, [this](account_id id) {
                                       const auto* account = accounts->current()->find(id);
                                       return account != nullptr && account->journal_hash_after_days == 0;
                                     }});
  feedback_ids.emplace(accounts->secret_for("feedback ids"), message::verp_purpose::feedback_id);
  reports_database = std::make_unique<storage::sql_database>(storage::sql_options{
      .url = "sqlite:" + with.spool.path + "/reports.db", .schema = storage::reports_schema_steps()});
  reports = std::make_unique<feedback::report_table>(*reports_database);
  report_keeper = std::make_unique<feedback::report_keeper>(
      feedback::report_keeper::environment{*reports, *accounts, time, counts});
  feedback::complaint_search complaints{store->store(), *return_paths, *feedback_ids, *unsubscribe_tokens,
                                        [this](std::string_view id) { return find_by_header(id); }};
  inbox = std::make_unique<feedback::inbox>(
      feedback_options(with),
      feedback::environment{
          *store, config::shipped_classifier(), *return_paths, *unsubscribes, std::move(complaints), *report_keeper,
          time, *ids, counts, 0, [this](spool::message_ptr m) { by_shard.front()->scheduler->admit(std::move(m)); },
          [this](const std::string& egress, const std::string& provider) {
            shards.post(0, [this, egress, provider] { by_shard.front()->scheduler->note_complaint(egress, provider); });
          },
          *accounts});
}

// On the blocking pool. The journal is made after the inbox, before anything comes in.
std::optional<message_id> parts::find_by_header(std::string_view header_message_id) const {
  if (!journal) return std::nullopt;
  journal::query which;
  which.header_message_id = header_message_id;
  which.max = 1;
  const auto found = journal->content().search(which);
  if (!found) {
    GONETS_LOG(warning, "journal_not_searched", "error", found.error().detail);
    return std::nullopt;
  }
  return found->rows.empty() ? std::nullopt : std::optional(found->rows.front().message);
}

void parts::trim_reports() {
  if (const auto removed = reports->trim(time.wall()); !removed)
    GONETS_LOG(warning, "reports_not_trimmed", "error", removed.error().detail);
}

void parts::make_access_tokens() {
  access_tokens = std::make_unique<delivery::access_tokens>(delivery::access_tokens::environment{
      shards, blocking,
      [this](runtime::http_request request, const runtime::http_limits& bounds, runtime::http_client::handler done) {
        by_shard[runtime::shards::current()]->tls.http->send(std::move(request), bounds, std::move(done));
      },
      time});
}

void parts::make_logins() {
  if (with.auth.introspection_url.empty()) {
    tokens = std::make_unique<auth::no_introspector>();
  } else {
    auth::introspection_options o{with.auth.introspection_url, with.auth.introspection_client_id, {}};
    if (!o.client_id.empty()) o.client_secret = read_secret(with.auth.introspection_secret_file);
    tokens = std::make_unique<auth::introspection>(
        std::move(o), [this]() -> runtime::http_client& { return *by_shard[runtime::shards::current()]->tls.http; },
        time);
  }
  logins = std::make_unique<auth::authenticator>(
      auth_options(with), *accounts, *tokens, shards, time, counts,
      [this](accounts::credential_id id) { accounts->note_use(id, time.wall()); });
}

void parts::make_shard(std::size_t number, std::uint64_t seed) {
  auto made = std::make_unique<shard_parts>();
  made->with = with;
  made->dns = runtime::make_unbound_resolver(shards.context(number), dns_options_of(with));
  made->mx = std::make_unique<delivery::mx_lookup>(*made->dns, mx_options_of(with), seed);
  made->tls = tls->make_shard(with, number, *made->dns, client_tls);
  made->hooks = std::make_unique<runtime::http_client>(shards, number, *made->dns, hook_options(with, client_tls));
  made->directory =
      std::make_unique<delivery::destinations>(made->with, shards, number, *made->mx, *made->tls.sts, time, egresses);
  made->delivery = std::make_unique<delivery::delivery>(
      delivery::environment{
          made->with, shards, number, blocking, *made->dns, *made->mx, client_tls, *made->tls.sts, tls->sessions(),
          *store, time, capture_path, egresses, *access_tokens, *return_paths,
          [this](const spool::queued_message& m, std::string_view recipient) { return inbox->take(m, recipient); }},
      counts);
  auto o = scheduler_options(with, number, shards.size(), rules.load());
  o.seed = seed;
  made->scheduler = std::make_unique<scheduler::scheduler>(
      std::move(o), scheduler::environment{*store, shards, blocking, time, *ids, *made->directory, *made->delivery,
                                           counts, limits, warm_ups});
  made->delivery->attach(*made->scheduler);
  shards.every(number, tick_period, [s = made->scheduler.get()] { s->tick(); });
  by_shard.push_back(std::move(made));
}

scheduler::scheduler& parts::scheduler_of(const spool::queued_message&, const spool::loaded_recipient&) {
  return *by_shard.front()->scheduler;  // it passes the recipient on to the shard that owns its domain
}

void parts::wait_for_shards() {
  std::vector<std::future<void>> all;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    std::promise<void> reached;
    all.push_back(reached.get_future());
    shards.post(i, [p = std::move(reached)]() mutable { p.set_value(); });
  }
  for (auto& f : all)
    f.wait();
}

void parts::set_limits(const config::settings& from) {
  auto all = from.limits;
  std::ranges::move(warm_ups.configure(from.warm_ups), std::back_inserter(all));
  limits.configure(std::move(all));
  warm_ups.apply();
}

void parts::recall_warm_ups() {
  for (const auto& [key, value] : store->pace().with_prefix(shaping::warm_up_prefix)) {
    if (!warm_ups.recall(key, value)) GONETS_LOG(warning, "kept_warm_up_unreadable", "key", key);
  }
  warm_ups.apply();
}

void parts::reconfigure(const config::settings& fresh) {
  if (auto read = rules_of(fresh)) rules.store(std::move(read));
  tls->reconfigure(fresh);
  intake->reconfigure(intake_options(fresh));
  logins->reconfigure(auth_options(fresh));
  inbox->reconfigure(feedback_options(fresh));
  domains->reconfigure(domain_options(fresh));
  store->reconfigure(fresh.spool.free_bytes_min, fresh.spool.event_retention);
  if (journal) journal->reconfigure(fresh.journal.retention);
  webhooks->reconfigure(webhook_options(fresh));
  set_limits(fresh);
  egresses.configure(fresh);
  shards.post(0, [this, o = blocklist_options_of(fresh)]() mutable { blocklists->reconfigure(std::move(o)); });
  for (std::size_t i = 0; i < shards.size(); ++i) {
    shards.post(i, [this, s = by_shard[i].get(), fresh, i, count = shards.size()] {
      s->with = fresh;
      tls_services::reconfigure_shard(fresh, s->tls, client_tls);
      s->hooks->reconfigure(hook_options(fresh, client_tls));
      s->scheduler->reconfigure(scheduler_options(fresh, i, count, rules.load()));
    });
  }
}

void parts::stop_delivery() {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    shards.post(i, [s = by_shard[i].get()] {
      s->scheduler->stop();
      s->delivery->stop();
    });
  }
}

std::size_t parts::deliveries() const {
  std::vector<std::future<std::size_t>> all;
  auto& on = const_cast<runtime::shards&>(shards);
  for (std::size_t i = 0; i < shards.size(); ++i) {
    std::promise<std::size_t> answer;
    all.push_back(answer.get_future());
    on.post(i, [s = by_shard[i].get(), p = std::move(answer)]() mutable {
      p.set_value(s->delivery->connections() + s->scheduler->leased());
    });
  }
  std::size_t total = 0;
  for (auto& f : all)
    total += f.get();
  return total;
}

void parts::close() {
  // The shards end first, so that nothing asks for more; then the committer writes what is queued. The spool itself
  // stays: the loader and the blocking pool may be reading it, and the process is about to end.
  shards.stop();
  if (journal) journal->stop();
  webhooks->stop();
  for (const auto& each : sinks)
    each->ask_to_stop();
  for (const auto& each : sinks)
    each->stop();
  if (accounts->complete()) accounts->write_uses();
  store->drain();
  tls->close();
}

}  // namespace gonets::app
