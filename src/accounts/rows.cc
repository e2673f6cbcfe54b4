#include "accounts/rows.h"

#include <algorithm>
#include <boost/json.hpp>

#include "accounts/words.h"
#include "dkim/tag_list.h"

namespace gonets::accounts::rows {
namespace {
namespace json = boost::json;
using storage::sql_row;
using storage::sql_session;
using storage::sql_value;

constexpr auto account_columns =
    "SELECT id, name, state, policy, plan, quotas, month_is_final, message_bytes_max, recipients_max, created, weight, "
    "egress, ignore_suppression, suppression, journal_hash_after, journal_subject FROM accounts";
constexpr auto domain_columns =
    "SELECT id, account, name, verified, proof, return_path, tracking, created, checked, last_check FROM domains";

// Words of a newer release read as the most careful of ours.
account account_of(const sql_row& r) {
  account a;
  a.id = account_id{static_cast<std::uint32_t>(r.integer(0))};
  a.name = r.text(1);
  a.state = parse_account_state(r.text(2)).value_or(account_state::closed);
  a.policy = parse_from_policy(r.text(3)).value_or(from_policy::enforce);
  a.plan = r.text(4);
  a.quotas = parse_quotas(r.text(5));
  a.month_is_final = r.integer(6) != 0;
  a.message_bytes_max = static_cast<std::uint64_t>(r.integer(7));
  a.recipients_max = static_cast<std::uint32_t>(r.integer(8));
  a.created = from_ms(r.integer(9));
  a.weight = static_cast<std::uint32_t>(r.integer(10));
  a.egress = r.text(11);
  a.may_ignore_suppression = r.integer(12) != 0;
  a.suppression = parse_suppression(r.text(13));
  a.journal_hash_after_days = static_cast<std::uint32_t>(r.integer(14));
  a.journal_subject = r.integer(15) != 0;
  return a;
}

sender_domain domain_of(const sql_row& r) {
  sender_domain d;
  d.id = domain_id{static_cast<std::uint32_t>(r.integer(0))};
  d.account = account_id{static_cast<std::uint32_t>(r.integer(1))};
  d.name = r.text(2);
  d.verified = r.integer(3) != 0;
  d.proof = r.text(4);
  d.return_path = r.text(5);
  d.tracking = r.text(6);
  d.created = from_ms(r.integer(7));
  d.checked = from_ms(r.integer(8));
  d.last_check = r.text(9);
  return d;
}

sql_value or_null(const std::string& text) {
  return text.empty() ? sql_value(std::nullopt) : sql_value(text);
}

std::string networks_text(const std::vector<network>& all) {
  json::array list;
  for (const auto& n : all)
    list.emplace_back(to_text(n));
  return json::serialize(list);
}

// A network that can't be read admits nobody rather than everybody.
std::vector<network> parse_networks(std::string_view text) {
  std::vector<network> all;
  boost::system::error_code error;
  const auto parsed = json::parse(text, error);
  if (error || !parsed.is_array()) return {network{}};
  for (const auto& each : parsed.get_array()) {
    const auto n = each.is_string() ? parse_network(each.get_string()) : std::nullopt;
    all.push_back(n.value_or(network{}));
  }
  return all;
}

std::string bytes_of(const std::string& base64) {
  return dkim::from_base64(base64).value_or("");
}

std::optional<quota> quota_of(const json::object& o) {
  const auto word = [&](std::string_view name) -> std::string_view {
    const auto* v = o.if_contains(name);
    return v != nullptr && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
  };
  const auto window = parse_quota_window(word("window"));
  const auto measured = parse_quota_measure(word("measure"));
  const auto* max = o.if_contains("max");
  if (!window || !measured || max == nullptr || !max->is_int64() || max->get_int64() < 0) return std::nullopt;
  return quota{*window, *measured, static_cast<std::uint64_t>(max->get_int64()), std::string(word("stream"))};
}

}  // namespace

std::vector<account> read_accounts(sql_session& s) {
  std::vector<account> all;
  for (const auto& r : s.rows(std::string(account_columns) + " ORDER BY id"))
    all.push_back(account_of(r));
  return all;
}

std::optional<account> read_account(sql_session& s, std::string_view name) {
  const auto r = s.row(std::string(account_columns) + " WHERE name = :name", {name});
  if (!r) return std::nullopt;
  return account_of(*r);
}

void insert(sql_session& s, const account& a) {
  s.change(
      "INSERT INTO accounts (id, name, state, policy, plan, quotas, month_is_final, message_bytes_max, recipients_max,"
      " created, weight, egress, ignore_suppression, suppression, journal_hash_after, journal_subject) VALUES (:id, "
      ":name,"
      " :state, :policy, :plan, :quotas, :final, :bytes, :recipients, :created, :weight, :egress, :ignore_suppression,"
      " :suppression, :hash_after, :subject)",
      {a.id.value, a.name, to_text(a.state), to_text(a.policy), or_null(a.plan), quotas_text(a.quotas),
       a.month_is_final, a.message_bytes_max, a.recipients_max, to_ms(a.created), a.weight, a.egress,
       a.may_ignore_suppression, suppression_text(a.suppression), a.journal_hash_after_days, a.journal_subject});
}

void update(sql_session& s, const account& a) {
  s.change(
      "UPDATE accounts SET state = :state, policy = :policy, plan = :plan, quotas = :quotas, month_is_final = :final,"
      " message_bytes_max = :bytes, recipients_max = :recipients, weight = :weight, egress = :egress,"
      " ignore_suppression = :ignore_suppression, suppression = :suppression, journal_hash_after = :hash_after,"
      " journal_subject = :subject WHERE id = :id",
      {to_text(a.state), to_text(a.policy), or_null(a.plan), quotas_text(a.quotas), a.month_is_final,
       a.message_bytes_max, a.recipients_max, a.weight, a.egress, a.may_ignore_suppression,
       suppression_text(a.suppression), a.journal_hash_after_days, a.journal_subject, a.id.value});
}

std::vector<plan> read_plans(sql_session& s) {
  std::vector<plan> all;
  for (const auto& r : s.rows("SELECT name, quotas FROM plans ORDER BY name"))
    all.push_back({r.text(0), parse_quotas(r.text(1))});
  return all;
}

std::vector<credential> read_credentials(sql_session& s) {
  std::vector<credential> all;
  for (const auto& r :
       s.rows("SELECT id, account, kind, name, login, scopes, networks, stream, secret_hash, scram_iterations,"
              " scram_salt, scram_stored_key, scram_server_key, certificate_sha256, created, last_used FROM credentials"
              " ORDER BY id")) {
    auto& c = all.emplace_back();
    c.id = credential_id{static_cast<std::uint32_t>(r.integer(0))};
    c.account = account_id{static_cast<std::uint32_t>(r.integer(1))};
    c.kind = parse_credential_kind(r.text(2)).value_or(credential_kind::smtp);
    c.name = r.text(3);
    c.login = r.text(4);
    c.scopes = static_cast<std::uint8_t>(r.integer(5));
    c.networks = parse_networks(r.text(6));
    c.stream = r.text(7);
    c.secret_hash = r.text(8);
    c.scram.iterations = static_cast<std::uint32_t>(r.integer(9));
    c.scram.salt = bytes_of(r.text(10));
    c.scram.stored_key = bytes_of(r.text(11));
    c.scram.server_key = bytes_of(r.text(12));
    c.certificate_sha256 = r.text(13);
    c.created = from_ms(r.integer(14));
    c.last_used = from_ms(r.integer(15));
  }
  return all;
}

void insert(sql_session& s, const credential& c) {
  s.change(
      "INSERT INTO credentials (id, account, kind, name, login, scopes, networks, stream, secret_hash,"
      " scram_iterations, scram_salt, scram_stored_key, scram_server_key, certificate_sha256, created, last_used)"
      " VALUES (:id, :account, :kind, :name, :login, :scopes, :networks, :stream, :hash, :iterations, :salt, :stored,"
      " :server, :certificate, :created, 0)",
      {c.id.value, c.account.value, to_text(c.kind), c.name, c.login, c.scopes, networks_text(c.networks), c.stream,
       c.secret_hash, c.scram.iterations, dkim::to_base64(c.scram.salt), dkim::to_base64(c.scram.stored_key),
       dkim::to_base64(c.scram.server_key), or_null(c.certificate_sha256), to_ms(c.created)});
}

std::vector<sender_domain> read_domains(sql_session& s) {
  std::vector<sender_domain> all;
  for (const auto& r : s.rows(std::string(domain_columns) + " ORDER BY id"))
    all.push_back(domain_of(r));
  return all;
}

std::optional<sender_domain> read_domain(sql_session& s, domain_id id) {
  const auto r = s.row(std::string(domain_columns) + " WHERE id = :id", {id.value});
  if (!r) return std::nullopt;
  return domain_of(*r);
}

void insert(sql_session& s, const sender_domain& d) {
  s.change(
      "INSERT INTO domains (id, account, name, verified, proof, return_path, tracking, created, checked, last_check)"
      " VALUES (:id, :account, :name, :verified, :proof, :return_path, :tracking, :created, 0, '')",
      {d.id.value, d.account.value, d.name, d.verified, d.proof, d.return_path, d.tracking, to_ms(d.created)});
}

void update(sql_session& s, const sender_domain& d) {
  s.change(
      "UPDATE domains SET verified = :verified, return_path = :return_path, tracking = :tracking, checked = :checked,"
      " last_check = :last_check WHERE id = :id",
      {d.verified, d.return_path, d.tracking, to_ms(d.checked), d.last_check, d.id.value});
}

std::uint32_t next(sql_session& s, std::string_view counter) {
  const auto r = s.row("UPDATE counters SET value = value + 1 WHERE name = :name RETURNING value", {counter});
  return r ? static_cast<std::uint32_t>(r->integer(0)) : 0;
}

std::string quotas_text(const std::vector<quota>& all) {
  json::array list;
  for (const auto& q : all) {
    json::object o{{"window", to_text(q.window)}, {"measure", to_text(q.measure)}, {"max", q.max}};
    if (!q.stream.empty()) o["stream"] = q.stream;
    list.push_back(std::move(o));
  }
  return json::serialize(list);
}

std::vector<quota> parse_quotas(std::string_view text) {
  std::vector<quota> all;
  boost::system::error_code error;
  const auto parsed = json::parse(text, error);
  if (error || !parsed.is_array()) return all;
  for (const auto& each : parsed.get_array()) {
    const auto* o = each.if_object();
    if (auto q = o != nullptr ? quota_of(*o) : std::nullopt; q) all.push_back(std::move(*q));
  }
  return all;
}

std::string suppression_text(const bounce::suppression_policy& p) {
  if (p == bounce::suppression_policy{}) return "{}";
  json::array words;
  for (std::size_t i = 0; i < p.at_once.size(); ++i) {
    if (p.at_once[i]) words.emplace_back(bounce::to_text(static_cast<bounce::category>(i)));
  }
  return json::serialize(json::object{{"at_once", std::move(words)},
                                      {"soft_bounces", p.soft_bounces},
                                      {"soft_over", p.soft_over.count()},
                                      {"soft_within", p.soft_within.count()},
                                      {"soft_lasts", p.soft_lasts.count()}});
}

bounce::suppression_policy parse_suppression(std::string_view text) {
  bounce::suppression_policy p;
  boost::system::error_code error;
  const auto parsed = json::parse(text, error);
  const auto* o = error ? nullptr : parsed.if_object();
  if (o == nullptr) return p;
  const auto number = [&](std::string_view name, std::int64_t usual, std::int64_t max) {
    const auto* v = o->if_contains(name);
    return v != nullptr && v->is_int64() ? std::clamp<std::int64_t>(v->get_int64(), 0, max) : usual;
  };
  const auto days = [&](std::string_view name, std::chrono::days usual) {
    return std::chrono::days(number(name, usual.count(), bounce::soft_days_max.count()));
  };
  p.soft_bounces = static_cast<std::uint32_t>(number("soft_bounces", p.soft_bounces, bounce::soft_bounces_max));
  p.soft_over = days("soft_over", p.soft_over);
  p.soft_within = days("soft_within", p.soft_within);
  p.soft_lasts = days("soft_lasts", p.soft_lasts);
  const auto* words = o->if_contains("at_once");
  if (words == nullptr || !words->is_array()) return p;
  p.at_once.reset();
  for (const auto& each : words->get_array()) {
    const auto which = each.is_string() ? bounce::parse_category(each.get_string()) : std::nullopt;
    if (which && bounce::may_suppress(*which)) p.at_once.set(static_cast<std::size_t>(*which));
  }
  return p;
}

std::int64_t to_ms(wall_time t) {
  return t.time_since_epoch().count();
}

wall_time from_ms(std::int64_t ms) {
  return wall_time(std::chrono::milliseconds(ms));
}

}  // namespace gonets::accounts::rows
