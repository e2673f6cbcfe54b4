// registry's changes of accounts, plans and credentials.
#include <algorithm>

#include "accounts/detail/registry_change.h"
#include "accounts/registry.h"
#include "accounts/rows.h"
#include "accounts/words.h"
#include "base/secret.h"
#include "base/text.h"
#include "sasl/password.h"
#include "shaping/fair_share.h"

namespace gonets::accounts {
namespace {

using storage::sql_session;

constexpr std::uint64_t number_max = 1ull << 62;  // SQL and JSON hold it
constexpr std::size_t title_bytes_max = 200;
constexpr std::size_t made_login_characters = 8;

std::unexpected<refusal> refuse(refusal_kind what, std::string detail) {
  return std::unexpected(refusal(what, std::move(detail)));
}

std::unexpected<refusal> no_account(const std::string& name) {
  return refuse(refusal_kind::not_found, fmt::format("there is no account \"{}\"", name));
}

outcome<void> check_name(std::string_view what, const std::string& name) {
  if (valid_name(name)) return {};
  return refuse(
      refusal_kind::invalid,
      fmt::format("\"{}\" is no {}'s name: 1 to 64 of a-z 0-9 - _ ., the first a letter or digit", name, what));
}

outcome<void> check_quotas(const std::vector<quota>& all) {
  if (all.size() > quotas_max) return refuse(refusal_kind::limit, fmt::format("more than {} quotas", quotas_max));
  for (auto q = all.begin(); q != all.end(); ++q) {
    if (q->max > number_max) return refuse(refusal_kind::invalid, "a quota of more than 2^62");
    if (!q->stream.empty())
      if (auto named = check_name("stream", q->stream); !named) return named;
    const bool twice = std::any_of(all.begin(), q, [&](const quota& o) {
      return o.window == q->window && o.measure == q->measure && o.stream == q->stream;
    });
    if (twice)
      return refuse(refusal_kind::invalid,
                    fmt::format("two quotas of {} a {}", to_text(q->measure), to_text(q->window)));
  }
  return {};
}

outcome<bounce::suppression_policy> changed(bounce::suppression_policy policy, const account_changes& to) {
  policy.at_once = to.suppress_at_once.value_or(policy.at_once);
  policy.soft_bounces = to.soft_bounces.value_or(policy.soft_bounces);
  policy.soft_over = to.soft_over.value_or(policy.soft_over);
  policy.soft_within = to.soft_within.value_or(policy.soft_within);
  policy.soft_lasts = to.soft_lasts.value_or(policy.soft_lasts);
  for (std::size_t i = 0; i < policy.at_once.size(); ++i) {
    const auto which = static_cast<bounce::category>(i);
    if (policy.at_once[i] && !bounce::may_suppress(which))
      return refuse(refusal_kind::invalid,
                    fmt::format("{} says nothing against an address: it can't suppress it", bounce::to_text(which)));
  }
  if (policy.soft_bounces > bounce::soft_bounces_max)
    return refuse(refusal_kind::invalid, fmt::format("soft bounces are counted to {}", bounce::soft_bounces_max));
  for (const auto days : {policy.soft_within, policy.soft_lasts}) {
    if (days.count() < 1 || days > bounce::soft_days_max)
      return refuse(refusal_kind::invalid, fmt::format("soft bounces are counted, and suppress, for 1 to {} days",
                                                       bounce::soft_days_max.count()));
  }
  if (policy.soft_over.count() < 0 || policy.soft_over > policy.soft_within)
    return refuse(refusal_kind::invalid, fmt::format("soft bounces over {} days can't come together within {}",
                                                     policy.soft_over.count(), policy.soft_within.count()));
  return policy;
}

outcome<void> apply(sql_session& s, const account_changes& to, account& on) {
  if (to.state && !may_become(on.state, *to.state))
    return refuse(refusal_kind::conflict, fmt::format("{} is {}: make it active first", on.name, to_text(on.state)));
  if (to.quotas)
    if (auto good = check_quotas(*to.quotas); !good) return good;
  if (to.message_bytes_max && *to.message_bytes_max > number_max)
    return refuse(refusal_kind::invalid, "message_bytes_max is more than 2^62");
  if (to.weight && (*to.weight < 1 || *to.weight > shaping::fair_share::weight_max))
    return refuse(refusal_kind::invalid, fmt::format("a weight is from 1 to {}", shaping::fair_share::weight_max));
  if (to.egress && !to.egress->empty())
    if (auto named = check_name("egress", *to.egress); !named) return named;
  if (to.plan && !to.plan->empty() && !s.row("SELECT name FROM plans WHERE name = :name", {*to.plan}) && !s.failed())
    return refuse(refusal_kind::not_found, fmt::format("there is no plan \"{}\"", *to.plan));
  auto policy = changed(on.suppression, to);
  if (!policy) return std::unexpected(std::move(policy.error()));
  on.suppression = *policy;
  on.may_ignore_suppression = to.may_ignore_suppression.value_or(on.may_ignore_suppression);
  if (to.journal_hash_after_days && *to.journal_hash_after_days > journal_days_max)
    return refuse(refusal_kind::invalid, fmt::format("journal_hash_after_days is from 0 to {}", journal_days_max));
  on.state = to.state.value_or(on.state);
  on.policy = to.policy.value_or(on.policy);
  on.plan = to.plan.value_or(on.plan);
  on.quotas = to.quotas.value_or(on.quotas);
  on.month_is_final = to.month_is_final.value_or(on.month_is_final);
  on.message_bytes_max = to.message_bytes_max.value_or(on.message_bytes_max);
  on.recipients_max = to.recipients_max.value_or(on.recipients_max);
  on.weight = to.weight.value_or(on.weight);
  on.egress = to.egress.value_or(on.egress);
  on.journal_hash_after_days = to.journal_hash_after_days.value_or(on.journal_hash_after_days);
  on.journal_subject = to.journal_subject.value_or(on.journal_subject);
  return {};
}

outcome<void> check(const credential_request& c) {
  if (!c.login.empty() && !valid_login(c.login))
    return refuse(refusal_kind::invalid, "a login is 1 to 128 printable ASCII characters without blanks");
  if (c.name.size() > title_bytes_max)
    return refuse(refusal_kind::invalid, fmt::format("the name has more than {} bytes", title_bytes_max));
  if (c.scopes == 0 || c.scopes > (scope_send | scope_read | scope_admin))
    return refuse(refusal_kind::invalid, "a credential needs a scope: send, read or admin");
  if (c.networks.size() > networks_max)
    return refuse(refusal_kind::limit, fmt::format("more than {} networks", networks_max));
  if (!c.stream.empty())
    if (auto named = check_name("stream", c.stream); !named) return named;
  const auto& print = c.certificate_sha256;
  if (!print.empty() && (print.size() != 64 || print.find_first_not_of("0123456789abcdef") != print.npos))
    return refuse(refusal_kind::invalid, "a certificate's fingerprint is SHA-256 in 64 hex digits, lower case");
  return {};
}

// An API key's login is its public part, the same whatever the account is called.
std::string make_login(credential_kind kind, const std::string& account_name) {
  const auto tail = to_lower(random_text(made_login_characters));
  return kind == credential_kind::api_key ? "key-" + tail + to_lower(random_text(made_login_characters))
                                          : account_name + "-" + tail;
}

}  // namespace

outcome<account> registry::add_account(const std::string& name, const account_changes& with) {
  if (auto named = check_name("account", name); !named) return std::unexpected(std::move(named.error()));
  return change<account>([&](sql_session& s) -> outcome<account> {
    if (rows::read_account(s, name))
      return refuse(refusal_kind::exists, fmt::format("there is an account \"{}\" already", name));
    account fresh;
    fresh.name = name;
    fresh.created = time_.wall();
    if (auto good = apply(s, with, fresh); !good) return std::unexpected(std::move(good.error()));
    fresh.id = account_id{rows::next(s, "account")};
    rows::insert(s, fresh);
    return fresh;
  });
}

outcome<account> registry::change_account(const std::string& name, const account_changes& to) {
  return change<account>([&](sql_session& s) -> outcome<account> {
    auto found = rows::read_account(s, name);
    if (!found) return no_account(name);
    if (auto good = apply(s, to, *found); !good) return std::unexpected(std::move(good.error()));
    rows::update(s, *found);
    return *found;
  });
}

outcome<plan> registry::set_plan(const plan& to) {
  if (auto named = check_name("plan", to.name); !named) return std::unexpected(std::move(named.error()));
  if (auto good = check_quotas(to.quotas); !good) return std::unexpected(std::move(good.error()));
  return change<plan>([&](sql_session& s) -> outcome<plan> {
    s.change(
        "INSERT INTO plans (name, quotas) VALUES (:name, :quotas) ON CONFLICT (name) DO UPDATE SET quotas = "
        "excluded.quotas",
        {to.name, rows::quotas_text(to.quotas)});
    return to;
  });
}

outcome<void> registry::remove_plan(const std::string& name) {
  return change<void>([&](sql_session& s) -> outcome<void> {
    if (const auto user = s.row("SELECT name FROM accounts WHERE plan = :plan ORDER BY name", {name}))
      return refuse(refusal_kind::conflict,
                    fmt::format("account \"{}\" has plan \"{}\": give it another first", user->text(0), name));
    if (s.change("DELETE FROM plans WHERE name = :name", {name}) == 0)
      return refuse(refusal_kind::not_found, fmt::format("there is no plan \"{}\"", name));
    return {};
  });
}

outcome<issued_credential> registry::add_credential(const std::string& account_name, credential_request wanted) {
  if (auto good = check(wanted); !good) return std::unexpected(std::move(good.error()));
  issued_credential issued{{}, random_text(secret_characters)};
  auto& c = issued.made;
  c.kind = wanted.kind;
  c.name = std::move(wanted.name);
  c.login = wanted.login.empty() ? make_login(wanted.kind, account_name) : wanted.login;
  c.scopes = wanted.scopes;
  c.networks = std::move(wanted.networks);
  c.stream = std::move(wanted.stream);
  c.certificate_sha256 = std::move(wanted.certificate_sha256);
  c.secret_hash = sasl::hash_password(issued.secret, random_bytes(sasl::salt_bytes));
  if (wanted.scram && c.kind == credential_kind::smtp)
    c.scram = sasl::make_scram_verifier(issued.secret, random_bytes(sasl::salt_bytes));
  c.created = time_.wall();
  return change<issued_credential>([&](sql_session& s) -> outcome<issued_credential> {
    const auto owner = rows::read_account(s, account_name);
    if (!owner) return no_account(account_name);
    c.account = owner->id;
    const auto held = s.row("SELECT COUNT(*) FROM credentials WHERE account = :id", {owner->id.value});
    if (held && static_cast<std::size_t>(held->integer(0)) >= credentials_per_account_max)
      return refuse(refusal_kind::limit,
                    fmt::format("an account has at most {} credentials", credentials_per_account_max));
    if (s.row("SELECT id FROM credentials WHERE login = :login", {c.login}))
      return refuse(refusal_kind::exists, fmt::format("the login \"{}\" is taken", c.login));
    if (!c.certificate_sha256.empty() &&
        s.row("SELECT id FROM credentials WHERE certificate_sha256 = :print", {c.certificate_sha256}))
      return refuse(refusal_kind::exists, "another credential has this certificate");
    c.id = credential_id{rows::next(s, "credential")};
    rows::insert(s, c);
    return issued;
  });
}

outcome<void> registry::revoke_credential(const std::string& account_name, credential_id id) {
  return change<void>([&](sql_session& s) -> outcome<void> {
    const auto owner = rows::read_account(s, account_name);
    if (!owner) return no_account(account_name);
    if (s.change("DELETE FROM credentials WHERE id = :id AND account = :account", {id.value, owner->id.value}) == 0)
      return refuse(refusal_kind::not_found,
                    fmt::format("account \"{}\" has no credential {}", account_name, id.value));
    return {};
  });
}

}  // namespace gonets::accounts
