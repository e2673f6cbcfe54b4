#include "delivery/destinations.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/routes.h"
#include "runtime/dns_name.h"

namespace gonets::delivery {
namespace {

// Destinations of sets that nobody uses any more are dropped all at once when this many have gathered.
constexpr std::size_t sets_remembered_max = 100'000;

smtp::recipient_outcome refusal(stage at, reply why) {
  smtp::recipient_outcome o;
  o.what = why.permanent() ? smtp::disposition::failed : smtp::disposition::deferred;
  o.at = at;
  o.answer = std::move(why);
  return o;
}

using found_set = std::expected<std::shared_ptr<const mx_set>, mx_failure>;

// Of a pool, each domain has one: it is the same at every look-up, on every shard and after a restart.
const config::smarthost_login* login_for(const config::route& r, std::string_view domain) {
  if (r.logins.empty()) return nullptr;
  return &r.logins[std::hash<std::string_view>{}(domain) % r.logins.size()];
}

std::string with_egress(std::string key, std::string_view via) {
  if (via != config::default_egress) key.append(" via ").append(via);
  return key;
}

std::string_view without_egress(std::string_view key, std::string_view via) {
  const auto suffix = with_egress({}, via);
  if (key.ends_with(suffix)) key.remove_suffix(suffix.size());
  return key;
}

bool governs_others(config::route_kind kind) {
  return kind == config::route_kind::smtp;
}

}  // namespace

std::vector<std::string> routed_destination::hosts() const {
  std::vector<std::string> all;
  if (route.kind == config::route_kind::smtp) all.push_back(route.host);
  if (!mx) return all;
  for (const auto& tier : mx->tiers)
    all.insert(all.end(), tier.exchanges.begin(), tier.exchanges.end());
  return all;
}

// A smarthost has taken it on itself to take our mail; strangers have not.
spool::destination::pacing routed_destination::paced() const {
  if (route.kind == config::route_kind::mx) return pacing::careful;
  return route.kind == config::route_kind::smtp ? pacing::open : pacing::none;
}

std::vector<shaping::limit_setting> routed_destination::limits() const {
  return config::limits_of(route, login ? &*login : nullptr);
}

struct destinations::question {
  question(const config::route& r, std::string_view asked) : name(asked) {
    const auto parsed = spool::parse_lookup_name(name);
    domain = parsed.domain;
    require_tls = parsed.require_tls;
    tls_optional = parsed.tls_optional;
    wanted_egress = r.egress.empty() ? parsed.wanted_egress : std::string_view(r.egress);
  }
  std::string name, domain, wanted_egress;
  bool require_tls, tls_optional;
};

destinations::destinations(const config::settings& with, runtime::shards& on, std::size_t shard, mx_lookup& lookup,
                           sts_source& sts, const clock& time, egress_book& egresses)
    : with_(with), shards_(on), shard_(shard), sts_(sts), egresses_(egresses), cache_(lookup, time) {}

std::string destinations::name_of(const spool::queued_message& m, recipient_index recipient) const {
  return marked_domain(m, recipient).append(egresses_.mark_of(m));
}

std::optional<std::string> destinations::past_egress(std::string_view name, const spool::destination& from,
                                                     std::chrono::milliseconds lasts) {
  const auto& route = config::match_route(with_, spool::without_mark(name));
  const question of(route, name);
  const auto site = without_egress(from.site_key, from.egress());
  if (lasts.count() > 0) egresses_.refused(from.egress(), site, lasts);
  const auto parsed = spool::parse_lookup_name(name);
  if (!egresses_.has_other(parsed, of.wanted_egress, from.egress(), site)) return std::nullopt;
  return fmt::format("{}{}!{}", name, parsed.slot ? "" : "#", from.egress());
}

// A smarthost is another hop, which REQUIRETLS covers; LMTP and mailboxes are the end of the way (RFC 8689 4.2).
spool::destination_ptr destinations::for_route(const config::route& r, std::string_view name) {
  const auto of = spool::parse_lookup_name(name);
  const std::string_view wanted = r.egress.empty() ? of.wanted_egress : std::string_view(r.egress);
  tls_policy::domain_facts facts;
  facts.configured = config::tls_level_of(with_, r);
  facts.require_tls = of.require_tls && governs_others(r.kind);
  auto demand = tls_policy::decide(facts);
  demand.hosts_unproven = false;  // the operator names the host
  const bool remote = r.kind == config::route_kind::smtp || r.kind == config::route_kind::lmtp;
  auto key = config::target_text(r);
  const auto* const login = login_for(r, of.domain);
  if (login != nullptr) key += " as " + login->name;
  if (remote) key += tls_policy::key_of(demand);
  std::string via(config::default_egress);
  if (governs_others(r.kind)) via = egresses_.choose(of, wanted, key);
  key = with_egress(std::move(key), via);
  auto& kept = by_route_[key];
  if (!kept) {
    kept = std::make_shared<routed_destination>(key, r);
    kept->tls = demand;
    kept->via = via;
  }
  // What is no part of the key may change by a reload, also for those who have the destination already.
  if (login != nullptr && kept->login != *login) kept->login = *login;
  if (governs_others(r.kind)) {
    kept->route.login_without_tls = r.login_without_tls;
    if (kept->route.preset != r.preset) kept->route.preset = r.preset;
    if (kept->route.limits != r.limits) kept->route.limits = r.limits;
  }
  return kept;
}

spool::destination_ptr destinations::for_set(const question& of, const std::shared_ptr<const mx_set>& set,
                                             const tls_policy::demand& tls) {
  if (by_set_.size() > sets_remembered_max) {
    by_set_.clear();
    allowed_.clear();
  }
  const auto suffix = tls_policy::key_of(tls);
  auto key = set->site_key + std::string(suffix);
  const auto via = egresses_.choose(spool::parse_lookup_name(of.name), of.wanted_egress, key);
  auto& kept = by_set_[{set.get(), suffix, via}];
  if (!kept) {
    auto made = std::make_shared<routed_destination>(with_egress(std::move(key), via), config::route{});
    made->mx = set;
    made->tls = tls;
    made->via = via;
    kept = std::move(made);
  }
  return kept;
}

// The hosts that a policy allows (RFC 8461 4.1), as a set of their own; null if it allows none.
std::shared_ptr<const mx_set> destinations::allowed_part(const std::shared_ptr<const mx_set>& set,
                                                         const tls_policy::sts_policy& sts) {
  mx_set part = *set;
  for (auto& tier : part.tiers)
    std::erase_if(tier.exchanges, [&](const std::string& host) { return !tls_policy::allows(sts, host); });
  std::erase_if(part.tiers, [](const mx_set::tier& t) { return t.exchanges.empty(); });
  if (part.tiers.empty()) return nullptr;
  part.site_key = key_of(part.tiers);
  if (part.site_key == set->site_key) return set;
  auto& kept = allowed_[{set.get(), part.site_key}];
  if (!kept.second) kept = {set, std::make_shared<const mx_set>(std::move(part))};
  return kept.second;
}

destinations::answer destinations::for_domain(const question& of, const std::shared_ptr<const mx_set>& set,
                                              const sts_policy_ptr& sts) {
  tls_policy::domain_facts facts;
  facts.configured = config::tls_level_of(with_, of.domain);
  facts.mx_secure = set->secure && with_.delivery.dane;
  facts.sts = sts.get();
  facts.require_tls = of.require_tls;
  facts.tls_optional = of.tls_optional;
  const auto demand = tls_policy::decide(facts);
  if (demand.hosts_unproven) {
    return std::unexpected(
        refusal(stage::tls,
                {550,
                 {5, 7, 30},
                 fmt::format("the message needs REQUIRETLS, and neither DNSSEC nor MTA-STS vouches for the mail hosts "
                             "of {}",
                             of.domain)}));
  }
  const bool enforced =
      demand.governs == tls_policy::policy::sts || (demand.governs == tls_policy::policy::requiretls && !set->secure);
  if (!enforced || sts == nullptr) return for_set(of, set, demand);
  if (auto part = allowed_part(set, *sts)) return for_set(of, part, demand);
  return std::unexpected(refusal(
      stage::tls, {451, {4, 7, 5}, fmt::format("the MTA-STS policy of {} allows none of its mail hosts", of.domain)}));
}

// `done` runs before this returns if all is remembered.
void destinations::find_by_mx(const config::route& r, std::string_view name, mx_answer done) {
  question of(r, name);
  const auto& domain = of.domain;
  cache_.find(domain, [this, of, done = std::move(done)](found_set set) mutable {
    if (!set) return done(std::unexpected(refusal(stage::resolve, set.error().answer)));
    const bool asks = with_.delivery.mta_sts && !of.tls_optional && !of.domain.starts_with('[') &&
                      (of.require_tls || config::tls_level_of(with_, of.domain) != tls_policy::level::none);
    const auto ascii = asks ? runtime::to_a_labels(of.domain) : std::nullopt;
    if (!ascii) return done(for_domain(of, *set, nullptr));
    sts_.find(*ascii, [this, of = std::move(of), set = *set, done = std::move(done)](sts_policy_ptr sts) mutable {
      done(for_domain(of, set, sts));
    });
  });
}

spool::destination_ptr destinations::known(std::string_view domain) {
  const auto& route = config::match_route(with_, spool::without_mark(domain));
  if (route.kind != config::route_kind::mx) return for_route(route, domain);
  // Answered before find_by_mx() returns if it is remembered; else the look-up that it starts serves the find() to
  // come.
  const auto found = std::make_shared<std::optional<answer>>();
  find_by_mx(route, domain, [found](answer a) { *found = std::move(a); });
  if (!*found || !**found) return nullptr;
  return ***found;
}

void destinations::find(std::string_view domain, handler done) {
  const auto& route = config::match_route(with_, spool::without_mark(domain));
  if (route.kind != config::route_kind::mx) {
    auto to = for_route(route, domain);
    shards_.post(shard_, [to = std::move(to), done = std::move(done)]() mutable { done(std::move(to), {}); });
    return;
  }
  find_by_mx(route, domain, [this, done = std::move(done)](answer found) mutable {
    // Posted, since the caller may be in the middle of its own queues.
    shards_.post(shard_, [found = std::move(found), done = std::move(done)]() mutable {
      if (found) {
        done(std::move(*found), {});
      } else {
        done(nullptr, found.error());
      }
    });
  });
}

}  // namespace gonets::delivery
