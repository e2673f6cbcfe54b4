// /v1/accounts and /v1/plans.
#include <fmt/format.h>

#include <charconv>

#include "accounts/registry.h"
#include "accounts/words.h"
#include "httpd/account_json.h"
#include "httpd/detail/json_body.h"
#include "httpd/detail/refused.h"
#include "httpd/detail/route.h"
#include "shaping/fair_share.h"

namespace gonets::httpd {
namespace detail {
namespace {
namespace json = boost::json;
using accounts::registry;

constexpr std::uint64_t number_max = 1ull << 62;

response no_account(const std::string& name) {
  return error_response(404, "not_found", fmt::format("there is no account \"{}\"", name),
                        "`gonets account list` shows which there are");
}

std::optional<std::vector<accounts::quota>> take_quotas(json_body& body) {
  const auto* items = body.list("quotas");
  if (items == nullptr) return std::nullopt;
  std::vector<accounts::quota> all;
  for (std::size_t i = 0; i < items->size(); ++i) {
    json_body each(items->at(i), fmt::format("quotas[{}]", i));
    accounts::quota q;
    const auto max = each.number("max", number_max);
    if (!max) each.expect("max", "a number");
    q.max = max.value_or(0);
    q.measure =
        each.word("measure", accounts::parse_quota_measure, "messages, recipients or bytes").value_or(q.measure);
    const auto window = each.word("window", accounts::parse_quota_window, "minute, hour, day or month");
    if (!window) each.expect("window", "minute, hour, day or month");
    q.window = window.value_or(q.window);
    q.stream = each.text("stream").value_or("");
    body.adopt(each);
    all.push_back(std::move(q));
  }
  return all;
}

std::optional<bounce::category_set> take_categories(json_body& body) {
  const auto words = body.texts("categories");
  if (!words) return std::nullopt;
  bounce::category_set all;
  for (const auto& word : *words) {
    const auto which = bounce::parse_category(word);
    if (!which) body.refuse(fmt::format("suppression.categories: there is no category \"{}\"", word));
    if (which) all.set(static_cast<std::size_t>(*which));
  }
  return all;
}

void take_suppression(json_body& body, accounts::account_changes& to) {
  const auto* given = body.object("suppression");
  if (given == nullptr) return;
  json_body policy(*given, "suppression");
  const auto days = [&](std::string_view name) -> std::optional<std::chrono::days> {
    const auto n = policy.number(name, static_cast<std::uint64_t>(bounce::soft_days_max.count()));
    if (!n) return std::nullopt;
    return std::chrono::days(static_cast<int>(*n));
  };
  to.suppress_at_once = take_categories(policy);
  if (const auto n = policy.number("soft_bounces", bounce::soft_bounces_max))
    to.soft_bounces = static_cast<std::uint32_t>(*n);
  to.soft_over = days("soft_over_days");
  to.soft_within = days("soft_within_days");
  to.soft_lasts = days("soft_for_days");
  body.adopt(policy);
}

accounts::account_changes take_changes(json_body& body) {
  accounts::account_changes c;
  c.state = body.word("state", accounts::parse_account_state, "active, paused or closed");
  c.policy = body.word("policy", accounts::parse_from_policy, "enforce, warn or off");
  c.plan = body.text("plan");
  c.quotas = take_quotas(body);
  c.month_is_final = body.flag("month_is_final");
  c.message_bytes_max = body.number("message_bytes_max", number_max);
  if (const auto n = body.number("recipients_max", 1'000'000)) c.recipients_max = static_cast<std::uint32_t>(*n);
  if (const auto n = body.number("weight", shaping::fair_share::weight_max)) c.weight = static_cast<std::uint32_t>(*n);
  c.egress = body.text("egress");
  c.may_ignore_suppression = body.flag("may_ignore_suppression");
  take_suppression(body, c);
  if (const auto n = body.number("journal_hash_after_days", accounts::journal_days_max))
    c.journal_hash_after_days = static_cast<std::uint32_t>(*n);
  c.journal_subject = body.flag("journal_subject");
  return c;
}

std::optional<std::uint8_t> take_scopes(json_body& body) {
  const auto words = body.texts("scopes");
  if (!words) return std::nullopt;
  std::uint8_t bits = 0;
  for (const auto& word : *words) {
    const auto bit = accounts::parse_scope(word);
    if (!bit) body.expect("scopes", "send, read or admin");
    bits |= bit.value_or(0);
  }
  return bits;
}

accounts::credential_request take_credential(json_body& body) {
  accounts::credential_request c;
  c.kind = body.word("kind", accounts::parse_credential_kind, "smtp or api_key").value_or(c.kind);
  c.name = body.text("name").value_or("");
  c.login = body.text("login").value_or("");
  c.scopes = take_scopes(body).value_or(c.scopes);
  for (const auto& text : body.texts("networks").value_or(std::vector<std::string>{})) {
    const auto n = parse_network(text);
    if (n)
      c.networks.push_back(*n);
    else
      body.expect("networks", fmt::format("networks such as \"192.0.2.0/24\"; found \"{}\"", text));
  }
  c.stream = body.text("stream").value_or("");
  c.certificate_sha256 = body.text("certificate_sha256").value_or("");
  c.scram = body.flag("scram").value_or(true);
  return c;
}

// ---- accounts

void list_accounts(const call& c, on_response done) {
  c.ask.with_accounts(
      [](registry& all) {
        const auto d = all.current();
        json::array list;
        for (const auto& a : d->all().accounts)
          list.push_back(to_object(a, *d));
        return object_response({{"accounts", std::move(list)}});
      },
      std::move(done));
}

void add_account(const call& c, on_response done) {
  json_body body(c.asked.body);
  auto name = body.text("name").value_or("");
  auto with = take_changes(body);
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  c.ask.with_accounts(
      [name = std::move(name), with = std::move(with)](registry& all) {
        const auto made = all.add_account(name, with);
        return made ? object_response(to_object(*made, *all.current()), 201) : refused(made.error());
      },
      std::move(done));
}

json::array limits_with_use(control& ask, account_id who, const std::vector<accounts::quota>& quotas) {
  const auto uses = ask.used_of(who, quotas);
  json::array all;
  for (std::size_t i = 0; i < quotas.size(); ++i)
    all.push_back(to_object(quotas[i], uses[i]));
  return all;
}

void show_account(const call& c, on_response done) {
  c.ask.with_accounts(
      [name = c.id, &ask = c.ask](registry& all) {
        const auto d = all.current();
        const auto* a = d->find_account(name);
        if (a == nullptr) return no_account(name);
        auto o = to_object(*a, *d);
        json::array credentials, domains;
        for (const auto& each : all.credentials_of(a->id))
          credentials.push_back(to_object(each));
        for (const auto& each : d->all().domains)
          if (each.account == a->id) domains.push_back(to_object(each));
        o["limits"] = limits_with_use(ask, a->id, d->quotas_of(a->id));
        o["credential_list"] = std::move(credentials);
        o["domain_list"] = std::move(domains);
        return object_response(o);
      },
      std::move(done));
}

void change_account(const call& c, on_response done) {
  json_body body(c.asked.body);
  auto to = take_changes(body);
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  c.ask.with_accounts(
      [name = c.id, to = std::move(to)](registry& all) {
        const auto changed = all.change_account(name, to);
        return changed ? object_response(to_object(*changed, *all.current())) : refused(changed.error());
      },
      std::move(done));
}

// ---- credentials

void list_credentials(const call& c, on_response done) {
  c.ask.with_accounts(
      [name = c.id](registry& all) {
        const auto d = all.current();
        const auto* a = d->find_account(name);
        if (a == nullptr) return no_account(name);
        json::array list;
        for (const auto& each : all.credentials_of(a->id))
          list.push_back(to_object(each));
        return object_response({{"credentials", std::move(list)}});
      },
      std::move(done));
}

void add_credential(const call& c, on_response done) {
  json_body body(c.asked.body);
  auto wanted = take_credential(body);
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  json::array servers;
  for (const auto& s : c.ask.submission_ports())
    servers.push_back(json::object{{"host", s.host}, {"port", s.port}, {"tls", s.tls}});
  c.ask.with_accounts(
      [name = c.id, wanted = std::move(wanted), servers = std::move(servers)](registry& all) {
        const auto issued = all.add_credential(name, wanted);
        if (!issued) return refused(issued.error());
        auto o = to_object(issued->made);
        o["secret"] = issued->secret;
        if (issued->made.kind == accounts::credential_kind::smtp)
          o["servers"] = servers;
        else
          o["api_key"] = fmt::format("{}.{}", issued->made.login, issued->secret);
        return object_response(o, 201);
      },
      std::move(done));
}

void revoke_credential(const call& c, on_response done) {
  std::uint32_t id = 0;
  const auto* end = c.sub_id.data() + c.sub_id.size();
  if (const auto read = std::from_chars(c.sub_id.data(), end, id); read.ec != std::errc{} || read.ptr != end)
    return done(error_response(400, "invalid_id", fmt::format("\"{}\" is not a credential's number", c.sub_id)));
  c.ask.with_accounts(
      [name = c.id, id](registry& all) {
        const auto gone = all.revoke_credential(name, accounts::credential_id{id});
        return gone ? object_response({{"revoked", id}}) : refused(gone.error());
      },
      std::move(done));
}

// ---- plans

void list_plans(const call& c, on_response done) {
  c.ask.with_accounts(
      [](registry& all) {
        json::array list;
        const auto d = all.current();
        for (const auto& p : d->all().plans)
          list.push_back(to_object(p));
        return object_response({{"plans", std::move(list)}});
      },
      std::move(done));
}

void show_plan(const call& c, on_response done) {
  c.ask.with_accounts(
      [name = c.id](registry& all) {
        const auto d = all.current();
        const auto* p = d->find_plan(name);
        if (p == nullptr) return error_response(404, "not_found", fmt::format("there is no plan \"{}\"", name));
        auto o = to_object(*p);
        json::array users;
        for (const auto& a : d->all().accounts)
          if (a.plan == name) users.emplace_back(a.name);
        o["accounts"] = std::move(users);
        return object_response(o);
      },
      std::move(done));
}

void set_plan(const call& c, on_response done) {
  json_body body(c.asked.body);
  auto quotas = take_quotas(body);
  if (!quotas) body.expect("quotas", "a list");
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  c.ask.with_accounts(
      [name = c.id, quotas = std::move(*quotas)](registry& all) {
        const auto set = all.set_plan({name, quotas});
        return set ? object_response(to_object(*set)) : refused(set.error());
      },
      std::move(done));
}

void remove_plan(const call& c, on_response done) {
  c.ask.with_accounts(
      [name = c.id](registry& all) {
        const auto gone = all.remove_plan(name);
        return gone ? object_response({{"removed", name}}) : refused(gone.error());
      },
      std::move(done));
}

}  // namespace

std::vector<route> account_routes() {
  return {
      {"GET", "/v1/accounts", list_accounts, {}},
      {"POST", "/v1/accounts", add_account, {}},
      {"GET", "/v1/accounts/{name}", show_account, {}},
      {"PATCH", "/v1/accounts/{name}", change_account, {}},
      {"GET", "/v1/accounts/{name}/credentials", list_credentials, {}},
      {"POST", "/v1/accounts/{name}/credentials", add_credential, {}},
      {"DELETE", "/v1/accounts/{name}/credentials/{id}", revoke_credential, {}},
      {"GET", "/v1/plans", list_plans, {}},
      {"GET", "/v1/plans/{name}", show_plan, {}},
      {"PUT", "/v1/plans/{name}", set_plan, {}},
      {"DELETE", "/v1/plans/{name}", remove_plan, {}},
  };
}

}  // namespace detail
}  // namespace gonets::httpd
