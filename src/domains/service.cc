#include "domains/service.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "base/text.h"
#include "domains/inquiry.h"
#include "domains/verdict.h"
#include "runtime/dns_name.h"

namespace gonets::domains {
namespace {

using accounts::domain_key;
using accounts::key_state;
using accounts::sender_domain;

constexpr std::size_t checks_at_once = 4;
const accounts::domain_changes as_verified{.verified = true, .return_path = {}, .tracking = {}};
constexpr std::array algorithms{dkim::algorithm::rsa_sha256, dkim::algorithm::ed25519_sha256};

std::unexpected<refusal> refuse(refusal_kind what, std::string detail) {
  return std::unexpected(refusal(what, std::move(detail)));
}

// As the registry knows names. What is no name is left to it to refuse.
which_domain normal(which_domain which) {
  if (auto ascii = runtime::to_a_labels(which.name)) which.name = std::move(*ascii);
  if (which.account.empty()) which.account = "default";
  return which;
}

domain_check::subject subject_of(const sender_domain& d) {
  domain_check::subject s{d.name, d.proof, d.return_path, d.tracking, {}};
  for (const auto& k : d.keys) {
    if (k.key)
      s.keys.push_back({k.selector, k.key->record(), std::string(to_text(k.key->kind())), k.key->bits(),
                        k.state == key_state::active});
  }
  return s;
}

bool has_selector(const sender_domain& d, std::string_view selector) {
  return std::ranges::any_of(d.keys, [&](const auto& k) { return k.selector == selector; });
}

// Dated, so that people see its age: g20250602r.
std::string fresh_selector(const sender_domain& d, dkim::algorithm kind, wall_time now) {
  const auto base = fmt::format("g{:%Y%m%d}{}", now, kind == dkim::algorithm::rsa_sha256 ? 'r' : 'e');
  auto selector = base;
  for (int i = 2; has_selector(d, selector); ++i)
    selector = fmt::format("{}{}", base, i);
  return selector;
}

}  // namespace

service::service(options with, accounts::registry& all, runtime::shards& shards, runtime::blocking_pool& pool,
                 runtime::resolver& dns, const clock& time, std::function<void(events::event)> record)
    : registry_(all),
      shards_(shards),
      pool_(pool),
      dns_(dns),
      time_(time),
      record_(std::move(record)),
      with_(std::make_shared<const options>(std::move(with))) {}

void service::reconfigure(options with) {
  const std::lock_guard lock(mutex_);
  with_ = std::make_shared<const options>(std::move(with));
}

std::shared_ptr<const options> service::with() const {
  const std::lock_guard lock(mutex_);
  return with_;
}

domain_view service::view_of(const sender_domain& d, const accounts::directory& all) const {
  const auto* owner = all.find(d.account);
  return {d, owner != nullptr ? owner->name : std::string(), records_for(subject_of(d), with()->on)};
}

service::outcome service::find(const which_domain& which) const {
  const auto all = registry_.current();
  const auto* owner = all->find_account(which.account);
  if (owner == nullptr)
    return refuse(refusal_kind::not_found, fmt::format("there is no account \"{}\"", which.account));
  for (const auto* d : all->domains_named(which.name)) {
    if (d->account == owner->id) return view_of(*d, *all);
  }
  return refuse(refusal_kind::not_found, fmt::format("account \"{}\" has no domain {}", which.account, which.name));
}

// Answers on the shard that asked with what `work` gives on the pool, one at a time.
template <class T, class Work>
void service::on_pool(on_result<T> done, Work work) {
  const auto asker = runtime::shards::current();
  auto answer = std::make_shared<on_result<T>>(std::move(done));
  const bool taken = pool_.run([this, asker, answer, work = std::move(work)]() mutable {
    std::unique_lock alone(changing_);
    auto result = work();
    alone.unlock();
    shards_.post(asker, [answer, result = std::move(result)]() mutable { (*answer)(std::move(result)); });
  });
  if (taken) return;
  shards_.post(asker, [answer] { (*answer)(refuse(refusal_kind::unavailable, "the server is too busy: try again")); });
}

void service::list(std::string account, on_result<std::vector<domain_view>> done) {
  const auto all = registry_.current();
  const auto* owner = all->find_account(account);
  if (owner == nullptr && !account.empty())
    return done(refuse(refusal_kind::not_found, fmt::format("there is no account \"{}\"", account)));
  std::vector<domain_view> found;
  for (const auto& d : all->all().domains) {
    if (owner == nullptr || d.account == owner->id) found.push_back(view_of(d, *all));
  }
  std::ranges::sort(found, {}, [](const auto& v) { return std::tie(v.domain.name, v.account); });
  done(std::move(found));
}

void service::show(which_domain which, on_result<domain_view> done) {
  done(find(normal(std::move(which))));
}

void service::add(addition wanted, on_result<domain_view> done) {
  wanted.which = normal(std::move(wanted.which));
  on_pool<domain_view>(std::move(done), [this, wanted = std::move(wanted)] { return add_now(wanted); });
}

service::outcome service::add_now(const addition& wanted) {
  const auto& name = wanted.which.name;
  accounts::domain_changes hosts;
  hosts.return_path = wanted.return_path.value_or("bounce." + name);
  hosts.tracking = wanted.tracking.value_or(with()->on.tracking_host.empty() ? "" : "click." + name);
  const auto made = registry_.add_domain(wanted.which.account, name, hosts);
  if (!made) return std::unexpected(made.error());
  for (const auto kind : algorithms) {
    if (const auto key = make_key(*made, kind, key_state::pending); !key) {
      if (const auto undone = registry_.remove_domain(made->id); !undone)
        GONETS_LOG(error, "domain_left_without_keys", "domain", name, "error", undone.error().detail);
      return std::unexpected(key.error());
    }
  }
  GONETS_LOG(info, "domain_added", "account", wanted.which.account, "domain", name);
  return find(wanted.which);
}

accounts::outcome<void> service::make_key(const sender_domain& d, dkim::algorithm kind, key_state state) {
  const auto key = dkim::private_key::generate(kind);
  if (!key) return refuse(refusal_kind::failed, key.error());
  return registry_.add_key(d.id, fresh_selector(d, kind, time_.wall()), state, *key);
}

// What signed before with the same algorithm retires: its record must stay while mail that it signed is under way.
accounts::outcome<void> service::activate(const sender_domain& d, const domain_key& key) {
  if (key.state != key_state::active) {
    if (auto moved = registry_.move_key(d.id, key.selector, key_state::active); !moved) return moved;
  }
  for (const auto& other : d.keys) {
    if (other.selector == key.selector || other.state != key_state::active || !other.key ||
        other.key->kind() != key.key->kind())
      continue;
    if (auto moved = registry_.move_key(d.id, other.selector, key_state::retiring); !moved) return moved;
  }
  tell(d, fmt::format("key {} signs now", key.selector), false);
  return {};
}

void service::examine(const which_domain& which, on_result<domain_view> done) {
  const auto asker = runtime::shards::current();
  auto answer = std::make_shared<on_result<domain_view>>(std::move(done));
  shards_.post(0, [this, which, asker, answer] {
    look_up(which, false, [this, asker, answer](outcome result) {
      shards_.post(asker, [answer, result = std::move(result)]() mutable { (*answer)(std::move(result)); });
    });
  });
}

// What takes effect by a check changes its verdict: a key that was pending signs. So it is judged once more then.
void service::look_up(const which_domain& which, bool again, on_result<domain_view> done) {
  auto about = find(which);
  if (!about) return done(std::unexpected(about.error()));
  auto judge = [this, which, again, done = std::move(done)](domain_check::report r) mutable {
    auto shared = std::make_shared<const domain_check::report>(std::move(r));
    auto moved = std::make_shared<bool>(false);
    on_result<domain_view> next = [this, which, again, moved, done = std::move(done)](outcome result) mutable {
      if (result && *moved && !again) return look_up(which, true, std::move(done));
      done(std::move(result));
    };
    on_pool<domain_view>(std::move(next), [this, which, again, shared, moved]() -> outcome {
      auto proved = let_take_effect(which, *shared);
      if (!proved) return std::unexpected(proved.error());
      *moved = *proved;
      return *moved && !again ? find(which) : keep(which, *shared);
    });
  };
  inquire(dns_, subject_of(about->domain), with()->on, std::move(judge));
}

void service::check(which_domain which, on_result<domain_view> done) {
  examine(normal(std::move(which)), std::move(done));
}

// Whether anything did. The domain may have changed, or gone, since it was looked up.
accounts::outcome<bool> service::let_take_effect(const which_domain& which, const domain_check::report& r) {
  const auto now = find(which);
  if (!now) return std::unexpected(now.error());
  const auto& d = now->domain;
  bool moved = false;
  if (r.owned && !d.verified) {
    const auto changed = registry_.change_domain(d.id, as_verified);
    if (!changed) return std::unexpected(changed.error());
    moved = true;
    tell(d, "ownership is proved", false);
  }
  if (!d.verified && !moved) return false;
  for (const auto& key : d.keys) {
    const bool published = std::ranges::find(r.published, key.selector) != r.published.end();
    if (key.state != key_state::pending || !published || !key.key) continue;
    if (const auto done = activate(d, key); !done) return std::unexpected(done.error());
    moved = true;
  }
  return moved;
}

service::outcome service::keep(const which_domain& which, const domain_check::report& r) {
  const auto now = find(which);
  if (!now) return now;
  const auto& d = now->domain;
  for (auto& what : regressions(d.last_check, r))
    tell(d, std::move(what), true);
  const auto at = time_.wall();
  if (const auto kept = registry_.record_check(d.id, at, to_json(r, at, d.last_check)); !kept)
    return std::unexpected(kept.error());
  return find(which);
}

void service::tell(const sender_domain& d, std::string what, bool regression) {
  if (regression) {
    GONETS_LOG(warning, "domain_regression", "domain", d.name, "finding", what);
    events::event e;
    e.kind = events::kind::domain;
    e.at = time_.wall();
    e.account = d.account;
    e.sender = d.name;
    e.reason = std::move(what);
    record_(std::move(e));
  } else {
    GONETS_LOG(info, "domain_changed", "domain", d.name, "change", what);
  }
}

void service::verify(which_domain which, bool force, on_result<domain_view> done) {
  which = normal(std::move(which));
  if (force) {
    return on_pool<domain_view>(std::move(done), [this, which]() -> outcome {
      const auto now = find(which);
      if (!now) return now;
      const auto changed = registry_.change_domain(now->domain.id, as_verified);
      if (!changed) return std::unexpected(changed.error());
      tell(now->domain, "verified by an operator", false);
      return find(which);
    });
  }
  examine(which, [done = std::move(done)](outcome result) mutable {
    if (result && !result->domain.verified) {
      return done(
          refuse(refusal_kind::conflict,
                 fmt::format("DNS does not show that {} is the account's: neither TXT \"{}\" at _gonets.{}, nor "
                             "the record of one of its keys",
                             result->domain.name, result->domain.proof, result->domain.name)));
    }
    done(std::move(result));
  });
}

void service::rotate(which_domain which, bool now, on_result<domain_view> done) {
  on_pool<domain_view>(std::move(done),
                       [this, which = normal(std::move(which)), now] { return rotate_now(which, now); });
}

service::outcome service::rotate_now(const which_domain& which, bool now) {
  const auto before = find(which);
  if (!before) return before;
  const auto& d = before->domain;
  bool pending = false;
  for (const auto& key : d.keys) {
    if (key.state != key_state::pending || !key.key) continue;
    pending = true;
    if (!now) continue;
    if (const auto done = activate(d, key); !done) return std::unexpected(done.error());
  }
  if (pending && !now)
    return refuse(refusal_kind::conflict,
                  "keys are pending already: publish their records, or activate them unseen with `now`");
  if (pending) return find(which);
  for (const auto kind : algorithms) {
    if (const auto made = make_key(d, kind, key_state::pending); !made) return std::unexpected(made.error());
  }
  return now ? rotate_now(which, true) : find(which);
}

void service::import_key(which_domain which, key_import key, on_result<domain_view> done) {
  which = normal(std::move(which));
  on_pool<domain_view>(std::move(done), [this, which, key = std::move(key)]() -> outcome {
    const auto before = find(which);
    if (!before) return before;
    auto read = dkim::private_key::from_pem(key.pem);
    if (!read) return refuse(refusal_kind::invalid, "the key can't be used: " + read.error());
    const auto selector = to_lower(key.selector);
    if (const auto added = registry_.add_key(before->domain.id, selector, key_state::pending, *read); !added)
      return std::unexpected(added.error());
    auto after = find(which);
    if (!key.now || !after) return after;
    for (const auto& k : after->domain.keys) {
      if (k.selector != selector) continue;
      if (const auto active = activate(after->domain, k); !active) return std::unexpected(active.error());
    }
    return find(which);
  });
}

void service::remove(which_domain which, on_result<std::monostate> done) {
  which = normal(std::move(which));
  on_pool<std::monostate>(std::move(done), [this, which]() -> accounts::outcome<std::monostate> {
    const auto now = find(which);
    if (!now) return std::unexpected(now.error());
    if (const auto gone = registry_.remove_domain(now->domain.id); !gone) return std::unexpected(gone.error());
    GONETS_LOG(info, "domain_removed", "account", which.account, "domain", which.name);
    return std::monostate();
  });
}

void service::drop_retired(const sender_domain& d) {
  const auto after = with()->retire_after;
  for (const auto& key : d.keys) {
    if (key.state != key_state::retiring || key.since + after > time_.wall()) continue;
    if (registry_.remove_key(d.id, key.selector)) tell(d, fmt::format("key {} is gone", key.selector), false);
  }
}

void service::tick() {
  const auto all = registry_.current();
  const auto now = time_.wall();
  if (all == scanned_ && now < next_due_) return;
  scanned_ = all;
  next_due_ = now + with()->check_every;
  for (const auto& d : all->all().domains) {
    const auto due = d.checked + with()->check_every;
    next_due_ = std::min(next_due_, due);
    const auto* owner = all->find(d.account);
    if (due > now || owner == nullptr || checking_.size() >= checks_at_once || !checking_.insert(d.id).second) continue;
    examine({owner->name, d.name}, [this, d](const outcome& result) {
      checking_.erase(d.id);
      if (!result) GONETS_LOG(warning, "domain_not_checked", "domain", d.name, "error", result.error().detail);
      pool_.run([this, d] {
        const std::lock_guard alone(changing_);
        drop_retired(d);
      });
    });
  }
}

}  // namespace gonets::domains
