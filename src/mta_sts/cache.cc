#include "mta_sts/cache.h"

#include <algorithm>
#include <mutex>

namespace gonets::mta_sts {
namespace {

std::int64_t to_ms(wall_time t) {
  return t.time_since_epoch().count();
}

}  // namespace

cache::answer cache::find(std::string_view domain, wall_time now) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(domain);
  if (found == entries_.end()) return {};
  const auto& e = found->second;
  const bool in_force = e.in_force(now);
  auto check = e.check_ms.load(std::memory_order_relaxed);
  if (to_ms(now) < check) {
    e.used_ms.store(to_ms(now), std::memory_order_relaxed);
    return {state::known, in_force ? e.policy : nullptr};
  }
  if (!in_force) return {};
  e.used_ms.store(to_ms(now), std::memory_order_relaxed);
  const bool mine = e.check_ms.compare_exchange_strong(check, to_ms(now + due_again), std::memory_order_relaxed);
  return {mine ? state::due : state::known, e.policy};
}

void cache::put(kept_policy fresh, wall_time check_at) {
  const std::unique_lock lock(mutex_);
  make_room();
  auto& e = entries_[fresh.domain];
  e.policy = std::move(fresh.policy);
  e.fetched = fresh.fetched;
  e.trouble.clear();
  e.check_ms = to_ms(check_at);
  e.used_ms = std::max(e.used_ms.load(), to_ms(fresh.fetched));
}

void cache::keep(std::string_view domain, wall_time now, wall_time check_at, std::string trouble) {
  const std::unique_lock lock(mutex_);
  auto found = entries_.find(domain);
  if (found == entries_.end()) {
    make_room();
    found = entries_.try_emplace(std::string(domain)).first;
  }
  auto& e = found->second;
  if (!e.in_force(now)) e.policy.reset();
  e.trouble = std::move(trouble);
  e.check_ms = to_ms(check_at);
}

void cache::load(kept_policy old) {
  const std::unique_lock lock(mutex_);
  auto [at, made] = entries_.try_emplace(old.domain);
  auto& e = at->second;
  if (!made && e.policy && e.fetched >= old.fetched) return;
  e.used_ms = std::max(e.used_ms.load(), to_ms(old.fetched));
  e.policy = std::move(old.policy);
  e.fetched = old.fetched;
}

std::optional<knowledge> cache::look(std::string_view domain, wall_time now) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(domain);
  if (found == entries_.end()) return std::nullopt;
  const auto& e = found->second;
  knowledge k;
  if (e.in_force(now)) k.policy = kept_policy{found->first, e.policy, e.fetched};
  k.check_at = wall_time(std::chrono::milliseconds(e.check_ms.load()));
  k.trouble = e.trouble;
  return k;
}

std::vector<std::string> cache::take_stale(wall_time now, std::size_t max) {
  const std::unique_lock lock(mutex_);
  std::vector<std::string> all;
  for (auto& [domain, e] : entries_) {
    if (all.size() >= max) break;
    if (!e.in_force(now) || now < e.refreshed + refresh_again) continue;
    const std::chrono::milliseconds life = e.policy->max_age;
    if (now < e.fetched + std::min<std::chrono::milliseconds>(refresh_after, life / 2)) continue;
    if (to_ms(now - used_max) > e.used_ms.load()) continue;
    e.refreshed = now;
    all.push_back(domain);
  }
  return all;
}

std::size_t cache::policies(wall_time now) const {
  const std::shared_lock lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [now](const auto& each) { return each.second.in_force(now); }));
}

// Rare and whole, so that the common case stays a look at a number. Policies are kept: forgetting one would let an
// attacker make room for a downgrade.
void cache::make_room() {
  if (entries_.size() < with_.domains_max) return;
  std::erase_if(entries_, [](const auto& each) { return !each.second.policy; });
}

}  // namespace gonets::mta_sts
