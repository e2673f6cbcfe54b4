#include "delivery/mx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>
#include <span>
#include <utility>

#include "delivery/host_address.h"
#include "runtime/dns_name.h"

namespace gonets::delivery {

struct mx_lookup::state {
  runtime::resolver& dns;
  mx_options options;  // own names and addresses in the form that they are compared in
  std::mt19937_64 random;
};

std::string key_of(const std::vector<mx_set::tier>& tiers) {
  std::vector<std::string_view> names;
  for (const auto& tier : tiers)
    names.insert(names.end(), tier.exchanges.begin(), tier.exchanges.end());
  std::sort(names.begin(), names.end());
  return fmt::format("mx:{}", fmt::join(names, ","));
}

namespace {

using set_result = std::expected<std::shared_ptr<const mx_set>, mx_failure>;
using hosts_result = std::expected<std::vector<mx_host>, mx_failure>;

std::unexpected<mx_failure> fail(std::uint16_t code, enhanced_status status, std::string text) {
  return std::unexpected(mx_failure{reply{code, status, std::move(text)}});
}

std::unexpected<mx_failure> fail_as_loop(std::string_view name) {
  return fail(554, {5, 4, 6}, fmt::format("Mail for {} leads back to this server", name));
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_localhost(std::string_view name) {
  return name == "localhost" || name.ends_with(".localhost");
}

// No top-level domain is a number, so the name is an IPv4 address, or what some systems would take for one.
bool is_address_text(std::string_view name) {
  const auto last = name.substr(name.rfind('.') + 1);
  return std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::shared_ptr<mx_set> make_set_of_one(std::string exchange, std::chrono::seconds ttl) {
  auto set = std::make_shared<mx_set>();
  set->tiers.push_back({0, {std::move(exchange)}});
  set->site_key = key_of(set->tiers);
  set->ttl = ttl;
  return set;
}

set_result set_of_literal(const mx_options& options, std::string_view literal) {
  const auto address = parse_address_literal(literal);
  if (!address) return fail(550, {5, 1, 3}, fmt::format("{} is not an address literal", literal));
  const bool loops = contains(options.own_addresses, address->text) ||
                     (address->reach == address_reach::loopback && !options.allow_loopback);
  if (loops) return fail_as_loop(literal);
  if (address->reach == address_reach::none || !(address->is_ipv6 ? options.ipv6 : options.ipv4)) {
    return fail(550, {5, 4, 4}, fmt::format("This server does not send to {}", literal));
  }
  return make_set_of_one(address->text, std::chrono::hours(1));
}

set_result implicit_set(const mx_options& options, const std::string& domain, const runtime::dns_answer& answer) {
  if (contains(options.own_names, domain) || (is_localhost(domain) && !options.allow_loopback)) {
    return fail_as_loop(domain);
  }
  auto set = make_set_of_one(domain, answer.ttl);
  set->implicit = true;
  set->secure = answer.secure;
  return set;
}

// Those that can be a host, by preference and name, each once.
std::vector<runtime::mx_record> usable_records(std::vector<runtime::mx_record> records, bool allow_loopback) {
  std::vector<runtime::mx_record> usable;
  for (auto& record : records) {
    auto name = runtime::to_a_labels(record.exchange);
    if (!name || is_address_text(*name) || (is_localhost(*name) && !allow_loopback)) continue;
    usable.push_back({record.preference, std::move(*name)});
  }
  std::sort(usable.begin(), usable.end(), [](const auto& a, const auto& b) {
    return std::tie(a.preference, a.exchange) < std::tie(b.preference, b.exchange);
  });
  std::set<std::string> seen;
  std::erase_if(usable, [&](const auto& record) { return !seen.insert(record.exchange).second; });
  return usable;
}

std::vector<mx_set::tier> tiers_of(std::span<runtime::mx_record> sorted) {
  std::vector<mx_set::tier> tiers;
  for (auto& record : sorted) {
    if (tiers.empty() || tiers.back().preference != record.preference) tiers.push_back({record.preference, {}});
    tiers.back().exchanges.push_back(std::move(record.exchange));
  }
  return tiers;
}

set_result set_of_records(const mx_options& options, const std::string& domain, runtime::dns_answer answer) {
  const bool null = std::all_of(answer.mx.begin(), answer.mx.end(), [](const auto& r) { return r.exchange.empty(); });
  if (null) return fail(556, {5, 1, 10}, fmt::format("{} takes no mail (null MX)", domain));

  const bool has_localhost =
      std::any_of(answer.mx.begin(), answer.mx.end(), [](const auto& r) { return is_localhost(r.exchange); });
  auto records = usable_records(std::move(answer.mx), options.allow_loopback);
  if (records.empty()) {
    if (has_localhost) return fail_as_loop(domain);
    return fail(550, {5, 4, 4}, fmt::format("No MX of {} is the name of a host", domain));
  }
  const auto self = std::find_if(records.begin(), records.end(),
                                 [&](const auto& r) { return contains(options.own_names, r.exchange); });
  if (self != records.end()) {
    const auto limit = self->preference;
    std::erase_if(records, [&](const auto& r) { return r.preference >= limit; });
  }
  if (records.empty()) return fail_as_loop(domain);
  if (records.size() > mx_lookup::exchanges_max) records.resize(mx_lookup::exchanges_max);

  auto set = std::make_shared<mx_set>();
  set->tiers = tiers_of(records);
  set->site_key = key_of(set->tiers);
  set->ttl = answer.ttl;
  set->secure = answer.secure;
  return set;
}

set_result set_of_answer(const mx_options& options, const std::string& domain, runtime::dns_answer answer) {
  switch (answer.status) {
    case runtime::dns_status::ok:
      return set_of_records(options, domain, std::move(answer));
    case runtime::dns_status::no_data:
      return implicit_set(options, domain, answer);
    case runtime::dns_status::no_such_name:
      return fail(550, {5, 1, 2}, fmt::format("The domain {} does not exist", domain));
    case runtime::dns_status::temporary:
    case runtime::dns_status::bogus:
      break;
  }
  return fail(451, {4, 4, 3}, fmt::format("The MX of {} cannot be looked up now: {}", domain, answer.detail));
}

// An exchange and what is known of its addresses.
struct candidate {
  std::size_t tier = 0;
  std::string name;
  std::vector<std::string> ipv6;
  std::vector<std::string> ipv4;
  std::string canonical;
  bool insecure = false;  // an answer with addresses was not validated
  bool self = false;      // has an address of ours
  bool loopback = false;  // had one of this machine, which was left out
  std::string failure;    // what failed for now, if any
};

void add_address(const mx_options& options, candidate& host, std::string_view text) {
  auto address = parse_host_address(text);
  if (!address || address->reach == address_reach::none) return;
  if (contains(options.own_addresses, address->text)) {
    host.self = true;
  } else if (address->reach == address_reach::loopback && !options.allow_loopback) {
    host.loopback = true;
  } else if (address->is_ipv6 ? options.ipv6 : options.ipv4) {
    auto& known = address->is_ipv6 ? host.ipv6 : host.ipv4;
    if (!contains(known, address->text)) known.push_back(std::move(address->text));
  }
}

void add_answer(const mx_options& options, candidate& host, const runtime::dns_answer& answer) {
  if (answer.status == runtime::dns_status::temporary || answer.status == runtime::dns_status::bogus) {
    host.failure = answer.detail;
  }
  if (!answer.addresses.empty()) {
    host.insecure = host.insecure || !answer.secure;
    host.canonical = answer.canonical;
  }
  for (const auto& text : answer.addresses)
    add_address(options, host, text);
}

// IPv6 and IPv4 in turns, so that where one family is broken the other is never far.
std::vector<std::string> interleave(candidate& host, std::size_t count_max) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < std::max(host.ipv6.size(), host.ipv4.size()); ++i) {
    if (i < host.ipv6.size()) result.push_back(std::move(host.ipv6[i]));
    if (i < host.ipv4.size()) result.push_back(std::move(host.ipv4[i]));
  }
  if (result.size() > count_max) result.resize(count_max);
  return result;
}

// A lookup of hosts in flight. Owned by the handlers given to the resolver.
struct gathering {
  std::vector<candidate> candidates;  // in the order to try
  std::size_t pending = 0;
  mx_lookup::hosts done;
};

hosts_result hosts_of(std::vector<candidate> candidates) {
  auto first_self = std::numeric_limits<std::size_t>::max();
  for (const auto& host : candidates) {
    if (host.self) first_self = std::min(first_self, host.tier);
  }
  std::vector<mx_host> hosts;
  auto addresses_left = mx_lookup::addresses_max;
  bool loops = false;
  const candidate* failing = nullptr;
  for (auto& host : candidates) {
    loops = loops || host.self || host.loopback;
    if (host.tier >= first_self) continue;
    auto addresses = interleave(host, addresses_left);
    addresses_left -= addresses.size();
    if (!addresses.empty()) {
      hosts.push_back({host.name, std::move(addresses), std::move(host.canonical), !host.insecure});
    } else if (!host.failure.empty()) {
      failing = &host;
    }
  }
  if (!hosts.empty()) return hosts;
  const auto& name = candidates.front().name;
  if (failing != nullptr) {
    return fail(450, {4, 4, 3}, fmt::format("{} cannot be looked up now: {}", failing->name, failing->failure));
  }
  if (loops) return fail_as_loop(name);
  return fail(550, {5, 4, 4},
              candidates.size() == 1 ? fmt::format("{} has no address to send to", name)
                                     : fmt::format("None of the {} mail hosts has an address to send to, {} first",
                                                   candidates.size(), name));
}

void finish(gathering& work) {
  work.done(hosts_of(std::move(work.candidates)));
}

std::vector<candidate> candidates_of(const mx_set& set, std::mt19937_64& random) {
  std::vector<candidate> candidates;
  for (std::size_t i = 0; i < set.tiers.size(); ++i) {
    auto names = set.tiers[i].exchanges;
    std::shuffle(names.begin(), names.end(), random);
    for (auto& name : names)
      candidates.push_back({i, std::move(name)});
  }
  return candidates;
}

mx_options comparable(mx_options options) {
  for (auto& name : options.own_names) {
    if (auto ascii = runtime::to_a_labels(name)) name = std::move(*ascii);
  }
  for (auto& text : options.own_addresses) {
    if (auto address = parse_host_address(text)) text = std::move(address->text);
  }
  return options;
}

}  // namespace

mx_lookup::mx_lookup(runtime::resolver& dns, mx_options options, std::uint64_t seed)
    : state_(std::make_shared<state>(state{dns, comparable(std::move(options)), std::mt19937_64(seed)})) {}

void mx_lookup::find_set(std::string_view domain, sets done) {
  if (domain.starts_with('[')) return done(set_of_literal(state_->options, domain));
  auto name = runtime::to_a_labels(domain);
  if (!name) return done(fail(550, {5, 1, 2}, fmt::format("{} is not a domain name", domain)));
  const auto question = *name;
  state_->dns.query_mx(question, [weak = std::weak_ptr(state_), name = std::move(*name),
                                  done = std::move(done)](runtime::dns_answer answer) mutable {
    if (const auto alive = weak.lock()) done(set_of_answer(alive->options, name, std::move(answer)));
  });
}

void mx_lookup::find_hosts(std::shared_ptr<const mx_set> set, hosts done) {
  const auto work = std::make_shared<gathering>();
  work->candidates = candidates_of(*set, state_->random);
  work->done = std::move(done);
  // Held until all is asked, so that no answer can finish early.
  work->pending = 1;
  const auto ask = [&](std::size_t i, void (runtime::resolver::*query)(std::string_view, runtime::resolver::handler)) {
    ++work->pending;
    (state_->dns.*query)(work->candidates[i].name,
                         [weak = std::weak_ptr(state_), work, i](const runtime::dns_answer& answer) {
                           const auto alive = weak.lock();
                           if (!alive) return;
                           add_answer(alive->options, work->candidates[i], answer);
                           if (--work->pending == 0) finish(*work);
                         });
  };
  for (std::size_t i = 0; i < work->candidates.size(); ++i) {
    // Only a literal's set has an address for a name.
    if (parse_host_address(work->candidates[i].name)) {
      add_address(state_->options, work->candidates[i], work->candidates[i].name);
      work->candidates[i].insecure = true;
      continue;
    }
    if (state_->options.ipv6) ask(i, &runtime::resolver::query_aaaa);
    if (state_->options.ipv4) ask(i, &runtime::resolver::query_a);
  }
  if (--work->pending == 0) finish(*work);
}

}  // namespace gonets::delivery
