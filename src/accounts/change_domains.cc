// registry's changes of sender domains and their DKIM keys.
#include <algorithm>

#include "accounts/detail/registry_change.h"
#include "accounts/registry.h"
#include "accounts/rows.h"
#include "accounts/words.h"
#include "base/text.h"

namespace gonets::accounts {
namespace {

using storage::sql_session;

constexpr std::size_t proof_characters = 32;
constexpr std::size_t domain_bytes_max = 253;

std::unexpected<refusal> refuse(refusal_kind what, std::string detail) {
  return std::unexpected(refusal(what, std::move(detail)));
}

std::unexpected<refusal> no_domain(domain_id id) {
  return refuse(refusal_kind::not_found, fmt::format("there is no sender domain {}", id.value));
}

// Labels of A-Z a-z 0-9 - _, at least `labels_min` of them.
bool is_host_name(std::string_view name, std::size_t labels_min) {
  if (name.empty() || name.size() > domain_bytes_max) return false;
  std::size_t labels = 0;
  for (std::size_t from = 0; from <= name.size(); ++labels) {
    const auto dot = std::min(name.find('.', from), name.size());
    const auto label = name.substr(from, dot - from);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != label.npos)
      return false;
    from = dot + 1;
  }
  return labels >= labels_min;
}

outcome<void> check_hosts(const domain_changes& c) {
  for (const auto* host : {&c.return_path, &c.tracking})
    if (*host && !(*host)->empty() && !is_host_name(**host, 2))
      return refuse(refusal_kind::invalid, fmt::format("\"{}\" is no host name in lower-case A-labels", **host));
  return {};
}

outcome<void> apply(sql_session& s, const domain_changes& to, sender_domain& on) {
  if (to.verified && *to.verified && !on.verified &&
      s.row("SELECT id FROM domains WHERE name = :name AND verified = 1", {on.name}))
    return refuse(refusal_kind::conflict, fmt::format("another account has proved to own {}", on.name));
  on.verified = to.verified.value_or(on.verified);
  on.return_path = to.return_path.value_or(on.return_path);
  on.tracking = to.tracking.value_or(on.tracking);
  return {};
}

bool may_become(key_state from, key_state to) {
  return (from == key_state::pending && to == key_state::active) ||
         (from == key_state::active && to == key_state::retiring) ||
         (from == key_state::retiring && to == key_state::active);
}

std::optional<key_state> state_of(sql_session& s, domain_id id, const std::string& selector) {
  const auto r =
      s.row("SELECT state FROM domain_keys WHERE domain = :domain AND selector = :selector", {id.value, selector});
  return r ? parse_key_state(r->text(0)) : std::nullopt;
}

std::unexpected<refusal> no_key(domain_id id, const std::string& selector) {
  return refuse(refusal_kind::not_found, fmt::format("sender domain {} has no key \"{}\"", id.value, selector));
}

}  // namespace

outcome<sender_domain> registry::add_domain(const std::string& account_name, const std::string& name,
                                            const domain_changes& with) {
  sender_domain fresh;
  fresh.name = to_lower(name);
  if (!is_host_name(fresh.name, 2))
    return refuse(
        refusal_kind::invalid,
        fmt::format("\"{}\" is no domain in A-labels, such as \"example.com\" or \"xn--e1afmkfd.com\"", name));
  if (auto good = check_hosts(with); !good) return std::unexpected(std::move(good.error()));
  fresh.proof = "gonets-" + to_lower(random_text(proof_characters));
  fresh.created = time_.wall();
  return change<sender_domain>([&](sql_session& s) -> outcome<sender_domain> {
    const auto owner = rows::read_account(s, account_name);
    if (!owner) return refuse(refusal_kind::not_found, fmt::format("there is no account \"{}\"", account_name));
    fresh.account = owner->id;
    const auto held = s.row("SELECT COUNT(*) FROM domains WHERE account = :id", {owner->id.value});
    if (held && static_cast<std::size_t>(held->integer(0)) >= domains_per_account_max)
      return refuse(refusal_kind::limit, fmt::format("an account has at most {} domains", domains_per_account_max));
    if (s.row("SELECT id FROM domains WHERE account = :account AND name = :name", {owner->id.value, fresh.name}))
      return refuse(refusal_kind::exists, fmt::format("account \"{}\" has {} already", account_name, fresh.name));
    if (auto good = apply(s, with, fresh); !good) return std::unexpected(std::move(good.error()));
    fresh.id = domain_id{rows::next(s, "domain")};
    rows::insert(s, fresh);
    return fresh;
  });
}

outcome<sender_domain> registry::change_domain(domain_id id, const domain_changes& to) {
  if (auto good = check_hosts(to); !good) return std::unexpected(std::move(good.error()));
  return change<sender_domain>([&](sql_session& s) -> outcome<sender_domain> {
    auto found = rows::read_domain(s, id);
    if (!found) return no_domain(id);
    if (auto good = apply(s, to, *found); !good) return std::unexpected(std::move(good.error()));
    rows::update(s, *found);
    return *found;
  });
}

outcome<void> registry::remove_domain(domain_id id) {
  return change<void>([&](sql_session& s) -> outcome<void> {
    if (s.change("DELETE FROM domains WHERE id = :id", {id.value}) == 0) return no_domain(id);
    return {};
  });
}

outcome<void> registry::record_check(domain_id id, wall_time at, const std::string& verdict_json) {
  if (verdict_json.size() > check_bytes_max) return refuse(refusal_kind::limit, "the verdict is too long to be kept");
  return change<void>([&](sql_session& s) -> outcome<void> {
    auto found = rows::read_domain(s, id);
    if (!found) return no_domain(id);
    found->checked = at;
    found->last_check = verdict_json;
    rows::update(s, *found);
    return {};
  });
}

outcome<void> registry::add_key(domain_id id, const std::string& selector, key_state state,
                                const dkim::private_key& key) {
  if (!is_host_name(selector, 1))
    return refuse(refusal_kind::invalid, fmt::format("\"{}\" is no selector: labels of a-z 0-9 - _", selector));
  const auto pem = key.to_pem();
  if (pem.empty()) return refuse(refusal_kind::failed, "the key can't be written as PEM");
  return change<void>([&](sql_session& s) -> outcome<void> {
    if (!rows::read_domain(s, id)) return no_domain(id);
    const auto held = s.row("SELECT COUNT(*) FROM domain_keys WHERE domain = :id", {id.value});
    if (held && static_cast<std::size_t>(held->integer(0)) >= keys_per_domain_max)
      return refuse(refusal_kind::limit, fmt::format("a domain has at most {} keys", keys_per_domain_max));
    if (state_of(s, id, selector))
      return refuse(refusal_kind::exists, fmt::format("there is a key \"{}\" already", selector));
    const auto now = time_.wall();
    s.change(
        "INSERT INTO domain_keys (domain, selector, state, private_key, created, since)"
        " VALUES (:domain, :selector, :state, :key, :created, :since)",
        {id.value, selector, to_text(state), seal_->close(pem, detail::key_place(id, selector)), rows::to_ms(now),
         rows::to_ms(now)});
    return {};
  });
}

outcome<void> registry::move_key(domain_id id, const std::string& selector, key_state to) {
  return change<void>([&](sql_session& s) -> outcome<void> {
    const auto from = state_of(s, id, selector);
    if (!from) return no_key(id, selector);
    if (*from == to) return {};  // another node saw the same, and was faster
    if (!may_become(*from, to))
      return refuse(refusal_kind::conflict,
                    fmt::format("a key that is {} can't become {}", to_text(*from), to_text(to)));
    s.change("UPDATE domain_keys SET state = :state, since = :since WHERE domain = :domain AND selector = :selector",
             {to_text(to), rows::to_ms(time_.wall()), id.value, selector});
    return {};
  });
}

outcome<void> registry::remove_key(domain_id id, const std::string& selector) {
  return change<void>([&](sql_session& s) -> outcome<void> {
    const auto state = state_of(s, id, selector);
    if (!state) return no_key(id, selector);
    if (*state == key_state::active)
      return refuse(refusal_kind::conflict, fmt::format("key \"{}\" signs: retire it first", selector));
    s.change("DELETE FROM domain_keys WHERE domain = :domain AND selector = :selector", {id.value, selector});
    return {};
  });
}

}  // namespace gonets::accounts
