#include "accounts/registry.h"

#include <fmt/format.h>

#include <utility>

#include "accounts/detail/registry_change.h"
#include "accounts/rows.h"
#include "accounts/words.h"
#include "base/log.h"

namespace gonets::accounts {
namespace {

using storage::sql_error;
using storage::sql_failure;
using storage::sql_result;
using storage::sql_session;

// poll() comes every second: without an answer for this long, the database hangs.
constexpr std::chrono::seconds contact_max{5};
constexpr std::string_view check_text = "gonets";
constexpr std::string_view check_place = "gonets key check";

std::string sqlite_folder(const std::string& url) {
  const auto path = url.substr(url.find(':') + 1);
  return path.substr(0, path.rfind('/'));
}

std::string key_place(std::uint32_t domain, const std::string& selector) {
  return detail::key_place(domain_id{domain}, selector);
}

}  // namespace

refusal::refusal(sql_error e) {
  switch (e.what) {
    case sql_failure::unavailable:
      what = refusal_kind::unavailable;
      detail = "the database of accounts can't be reached: " + e.detail;
      break;
    case sql_failure::constraint:
      what = refusal_kind::conflict;
      detail = "the database refused: " + e.detail;
      break;
    case sql_failure::refused:
      what = refusal_kind::failed;
      detail = "the database refused: " + e.detail;
      break;
  }
}

registry::registry(registry_options options, const clock& time)
    : options_(std::move(options)),
      time_(time),
      db_({.url = options_.database}),
      current_(std::make_shared<const directory>(contents{})) {}

registry::~registry() = default;

std::expected<void, std::string> registry::open() {
  auto file = options_.key_file;
  if (file.empty() && !db_.embedded())
    return std::unexpected(
        "accounts.key_file must be set for PostgreSQL: all nodes need the same key, which is kept apart from the "
        "database. Make one by: openssl rand -base64 32 > FILE");
  const bool make = file.empty();
  if (make) file = sqlite_folder(options_.database) + "/accounts.key";
  auto key = load_key_file(file, make);
  if (!key) return std::unexpected(std::move(key.error()));
  seal_.emplace(*key);

  const std::lock_guard lock(changing_);
  auto read = look();
  if (read) return {};
  if (read.error().what == sql_failure::unavailable && !db_.embedded()) {
    GONETS_LOG(error, "accounts_database_down", "error", read.error().detail, "effect",
               "logins are answered 454 until it can be reached");
    return {};
  }
  return std::unexpected(fmt::format("accounts.database {}: {}",
                                     db_.embedded() ? options_.database : std::string("(PostgreSQL)"),
                                     read.error().detail));
}

directory_ptr registry::current() const {
  const std::lock_guard lock(current_mutex_);
  return current_;
}

bool registry::reliable() const {
  const auto contact = contact_ns_.load(std::memory_order_relaxed);
  if (contact == 0) return false;
  return time_.steady() - steady_time(std::chrono::nanoseconds(contact)) <= options_.stale_max;
}

bool registry::complete() const {
  const auto contact = contact_ns_.load(std::memory_order_relaxed);
  return reached_.load(std::memory_order_relaxed) && contact != 0 &&
         time_.steady() - steady_time(std::chrono::nanoseconds(contact)) <= contact_max;
}

void registry::on_change(listener tell) {
  const std::lock_guard lock(changing_);
  listeners_.push_back(std::move(tell));
}

void registry::poll() {
  const std::lock_guard lock(changing_);
  if (auto seen = look(); !seen && seen.error().what != sql_failure::unavailable)
    GONETS_LOG(error, "accounts_unreadable", "error", seen.error().detail);
}

// Whether anything changed, and then what. Needs changing_.
sql_result<void> registry::look() {
  if (!key_checked_) {
    if (auto fits = check_key(); !fits) {
      note_contact(&fits.error());
      return fits;
    }
    key_checked_ = true;
  }
  auto found = db_.read([](sql_session& s) -> sql_result<std::int64_t> {
    const auto r = s.row("SELECT value FROM counters WHERE name = 'revision'");
    return r ? r->integer(0) : 0;
  });
  if (!found) {
    note_contact(&found.error());
    return std::unexpected(std::move(found.error()));
  }
  if (*found != revision_) {
    if (auto read = reload(); !read) {
      note_contact(&read.error());
      return read;
    }
  }
  note_contact(nullptr);
  return {};
}

// The first node seals a known text; every later start must be able to open it.
sql_result<void> registry::check_key() {
  return db_.write([&](sql_session& s) -> sql_result<void> {
    const auto found = s.row("SELECT value FROM sealed WHERE name = 'key_check'");
    if (s.failed()) return {};
    if (!found) {
      s.change("INSERT INTO sealed (name, value) VALUES ('key_check', :value)",
               {seal_->close(check_text, check_place)});
      return {};
    }
    if (seal_->open(found->text(0), check_place) == check_text) return {};
    return std::unexpected(sql_error{
        sql_failure::refused,
        fmt::format("the private keys in it were sealed with another key than that of accounts.key_file{}{}: put the "
                    "right file back",
                    options_.key_file.empty() ? "" : " ", options_.key_file)});
  });
}

// Needs changing_.
sql_result<void> registry::reload() {
  key_cache keys;
  std::int64_t revision = 0;
  auto read = db_.read([&](sql_session& s) -> sql_result<contents> {
    keys.clear();
    contents all;
    const auto r = s.row("SELECT value FROM counters WHERE name = 'revision'");
    revision = r ? r->integer(0) : 0;
    all.accounts = rows::read_accounts(s);
    all.plans = rows::read_plans(s);
    all.credentials = rows::read_credentials(s);
    read_domains(s, all, keys);
    return all;
  });
  if (!read) return std::unexpected(std::move(read.error()));
  keys_ = std::move(keys);
  revision_ = revision;
  publish(std::make_shared<const directory>(std::move(*read)));
  return {};
}

void registry::read_domains(sql_session& s, contents& to, key_cache& keys) {
  to.domains = rows::read_domains(s);
  std::unordered_map<std::uint32_t, sender_domain*> by_id;
  for (auto& d : to.domains)
    by_id.emplace(d.id.value, &d);
  for (const auto& r :
       s.rows("SELECT domain, selector, state, private_key, created, since FROM domain_keys ORDER BY domain, created, "
              "selector")) {
    const auto domain = static_cast<std::uint32_t>(r.integer(0));
    const auto owner = by_id.find(domain);
    if (owner == by_id.end()) continue;
    domain_key k;
    k.selector = r.text(1);
    k.state = parse_key_state(r.text(2)).value_or(key_state::retiring);
    k.created = rows::from_ms(r.integer(4));
    k.since = rows::from_ms(r.integer(5));
    k.key = unseal_key(domain, k.selector, r.text(3), keys);
    if (k.key) owner->second->keys.push_back(std::move(k));
  }
}

// Keys that did not change since are not deciphered again: an RSA key takes a tenth of a millisecond.
std::shared_ptr<const dkim::private_key> registry::unseal_key(std::uint32_t domain, const std::string& selector,
                                                              std::string sealed, key_cache& keys) {
  const auto name = std::pair(domain, selector);
  if (const auto known = keys_.find(name); known != keys_.end() && known->second.sealed == sealed) {
    return keys.emplace(name, known->second).first->second.key;
  }
  const auto pem = seal_->open(sealed, key_place(domain, selector));
  if (!pem) {
    GONETS_LOG(error, "domain_key_unreadable", "domain_id", domain, "selector", selector, "error",
               "it was not sealed with the key of accounts.key_file, or not for this row");
    return nullptr;
  }
  auto key = dkim::private_key::from_pem(*pem);
  if (!key) {
    GONETS_LOG(error, "domain_key_unreadable", "domain_id", domain, "selector", selector, "error", key.error());
    return nullptr;
  }
  auto shared = std::make_shared<const dkim::private_key>(std::move(*key));
  keys.emplace(name, cached_key{std::move(sealed), shared});
  return shared;
}

void registry::publish(directory_ptr fresh) {
  directory_ptr old;
  {
    const std::lock_guard lock(current_mutex_);
    old = std::exchange(current_, fresh);
  }
  for (const auto& tell : listeners_)
    tell(old, fresh);
}

void registry::note_contact(const sql_error* failed) {
  const bool down = failed != nullptr && failed->what != sql_failure::constraint;
  const bool was = reached_.exchange(!down);
  if (!down) contact_ns_.store(time_.steady().time_since_epoch().count(), std::memory_order_relaxed);
  if (was && down) {
    GONETS_LOG(error, "accounts_database_lost", "error", failed->detail, "effect",
               "what is known goes on for accounts.stale_max; other logins are answered 454");
  } else if (!was && !down) {
    GONETS_LOG(info, "accounts_database_reached", "revision", revision_);
  }
}

void registry::note_use(credential_id id, wall_time at) {
  const std::lock_guard lock(uses_mutex_);
  auto& last = uses_[id];
  last = std::max(last, at);
}

// Without a new revision: nobody needs to read everything for this.
void registry::write_uses() {
  std::unordered_map<credential_id, wall_time> uses;
  {
    const std::lock_guard lock(uses_mutex_);
    uses.swap(uses_);
  }
  if (uses.empty()) return;
  auto done = db_.write([&](sql_session& s) -> sql_result<void> {
    for (const auto& [id, at] : uses)
      s.change("UPDATE credentials SET last_used = :at WHERE id = :id AND last_used < :before",
               {rows::to_ms(at), id.value, rows::to_ms(at)});
    return {};
  });
  if (done) return;
  GONETS_LOG(warning, "last_uses_not_written", "credentials", uses.size(), "error", done.error().detail);
  for (const auto& [id, at] : uses)
    note_use(id, at);
}

std::vector<credential> registry::credentials_of(account_id owner) {
  std::vector<credential> all;
  const auto now = current();
  for (const auto& c : now->all().credentials)
    if (c.account == owner) all.push_back(c);
  std::unordered_map<credential_id, wall_time> last;
  {
    const std::lock_guard lock(uses_mutex_);
    last = uses_;
  }
  if (complete()) {
    // A database that can't tell now is no reason to show nothing.
    [[maybe_unused]] const auto asked = db_.read([&](sql_session& s) -> sql_result<void> {
      for (const auto& r : s.rows("SELECT id, last_used FROM credentials WHERE account = :owner", {owner.value})) {
        auto& at = last[credential_id{static_cast<std::uint32_t>(r.integer(0))}];
        at = std::max(at, rows::from_ms(r.integer(1)));
      }
      return {};
    });
  }
  for (auto& c : all)
    c.last_used = std::max(c.last_used, last[c.id]);
  return all;
}

}  // namespace gonets::accounts
