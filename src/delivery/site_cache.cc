#include "delivery/site_cache.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "runtime/dns_name.h"

namespace gonets::delivery {
namespace {

using set_result = std::expected<std::shared_ptr<const mx_set>, mx_failure>;

// Exactly one of `set` and `failure` is there. Small, since there is one a domain.
struct entry {
  std::shared_ptr<const mx_set> set;
  std::unique_ptr<const mx_failure> failure;
  steady_time expires;
};

set_result result_of(const entry& known) {
  if (known.set) return known.set;
  return std::unexpected(*known.failure);
}

entry make_entry(const set_result& result, steady_time now) {
  if (result) {
    const auto ttl = std::clamp((*result)->ttl, site_cache::ttl_min, site_cache::ttl_max);
    return {*result, nullptr, now + ttl};
  }
  const auto ttl =
      result.error().answer.transient() ? site_cache::transient_failure_ttl : site_cache::permanent_failure_ttl;
  return {nullptr, std::make_unique<const mx_failure>(result.error()), now + ttl};
}

bool same_hosts(const mx_set& a, const mx_set& b) {
  const auto same_tier = [](const mx_set::tier& x, const mx_set::tier& y) {
    return x.preference == y.preference && x.exchanges == y.exchanges;
  };
  return a.site_key == b.site_key && a.implicit == b.implicit && a.secure == b.secure &&
         std::equal(a.tiers.begin(), a.tiers.end(), b.tiers.begin(), b.tiers.end(), same_tier);
}

// Two generations, together at most `count_max`: what is asked for moves to the young one; when that is half of all,
// the old one is dropped and the young one grows old. Cheaper in memory than a list by last use, and near enough to it.
class domain_table {
 public:
  explicit domain_table(std::size_t count_max) : generation_max_(std::max<std::size_t>(count_max / 2, 1)) {}

  const entry* find(const std::string& domain) {
    if (const auto found = young_.find(domain); found != young_.end()) return &found->second;
    auto node = old_.extract(domain);
    if (node.empty()) return nullptr;
    make_room();
    return &young_.insert(std::move(node)).position->second;
  }

  void put(const std::string& domain, entry value) {
    old_.erase(domain);
    if (!young_.contains(domain)) make_room();
    young_.insert_or_assign(domain, std::move(value));
  }

  std::size_t size() const { return young_.size() + old_.size(); }

 private:
  void make_room() {
    if (young_.size() < generation_max_) return;
    old_ = std::exchange(young_, {});
  }

  std::size_t generation_max_;
  std::unordered_map<std::string, entry> young_;
  std::unordered_map<std::string, entry> old_;
};

// The sets in use by their keys; several of a key differ in preferences.
class set_table {
 public:
  std::shared_ptr<const mx_set> intern(std::shared_ptr<const mx_set> set) {
    const auto hash = std::hash<std::string>{}(set->site_key);
    const auto [begin, end] = sets_.equal_range(hash);
    for (auto i = begin; i != end; ++i) {
      if (auto known = i->second.lock(); known && same_hosts(*known, *set)) return known;
    }
    if (sets_.size() >= sweep_at_) sweep();
    sets_.emplace(hash, set);
    return set;
  }

  std::size_t size() const {
    return static_cast<std::size_t>(
        std::count_if(sets_.begin(), sets_.end(), [](const auto& item) { return !item.second.expired(); }));
  }

 private:
  // At twice of what the last sweep left, so that each set pays for a constant share of a sweep.
  void sweep() {
    std::erase_if(sets_, [](const auto& item) { return item.second.expired(); });
    sweep_at_ = std::max<std::size_t>(1024, 2 * sets_.size());
  }

  std::unordered_multimap<std::size_t, std::weak_ptr<const mx_set>> sets_;
  std::size_t sweep_at_ = 1024;
};

}  // namespace

struct site_cache::state {
  mx_lookup& lookup;
  const clock& now;
  domain_table domains;
  set_table sets;
  std::unordered_map<std::string, std::vector<mx_lookup::sets>> waiting;

  set_result remember(const std::string& domain, set_result result);
};

set_result site_cache::state::remember(const std::string& domain, set_result result) {
  // Made first, since the set that is shared may have another's TTL.
  auto value = make_entry(result, now.steady());
  if (result) {
    value.set = sets.intern(std::move(*result));
    *result = value.set;
  }
  domains.put(domain, std::move(value));
  return result;
}

site_cache::site_cache(mx_lookup& lookup, const clock& now, site_cache_options options)
    : state_(std::make_shared<state>(state{lookup, now, domain_table(options.domains_max), {}, {}})) {}

void site_cache::find(std::string_view domain, mx_lookup::sets done) {
  const auto name = runtime::to_a_labels(domain);
  // A literal, or nothing that DNS is asked for.
  if (!name) return state_->lookup.find_set(domain, std::move(done));

  const auto* known = state_->domains.find(*name);
  if (known != nullptr && known->expires > state_->now.steady()) return done(result_of(*known));

  auto& waiters = state_->waiting[*name];
  waiters.push_back(std::move(done));
  if (waiters.size() > 1) return;
  state_->lookup.find_set(*name, [weak = std::weak_ptr(state_), name = *name](set_result found) {
    const auto alive = weak.lock();
    if (!alive) return;
    const auto result = alive->remember(name, std::move(found));
    auto node = alive->waiting.extract(name);
    for (auto& waiter : node.mapped()) {
      // One of them may have destroyed the cache.
      if (weak.use_count() == 1) return;
      waiter(result);
    }
  });
}

std::size_t site_cache::domains() const {
  return state_->domains.size();
}

std::size_t site_cache::sets() const {
  return state_->sets.size();
}

}  // namespace gonets::delivery
