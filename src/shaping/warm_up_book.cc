#include "shaping/warm_up_book.h"

#include <fmt/format.h>

#include <algorithm>

namespace gonets::shaping {
namespace {

constexpr std::string_view each = "*";
constexpr std::uint32_t kept_every = 64;  // results: so many may be forgotten in a crash, but no message of the cap

std::string_view named(std::string_view provider) {
  return provider.empty() ? other_sites : provider;
}

limit_scope scope_of(std::string_view egress, std::string_view provider) {
  limit_scope about;
  about.egress = egress;
  about.provider = provider == other_sites ? std::string_view() : provider;
  return about;
}

std::vector<limit_setting> cap_at(const warm_up_plan& plan, std::uint32_t day) {
  const auto cap = cap_of(plan, day);
  if (!cap) return {};
  return {{limit_kind::messages_a_day, *cap, 0, fmt::format("day {} of {}", day, plan.days)}};
}

std::string what_of(const warm_up_plan& plan, std::uint32_t day) {
  const auto cap = cap_of(plan, day);
  return cap ? fmt::format("day {} of {}, {} messages", day, plan.days, *cap) : std::string("warm, no cap any more");
}

}  // namespace

bool warm_up_book::recall(std::string_view key, std::string_view value) {
  if (!key.starts_with(warm_up_prefix)) return false;
  key.remove_prefix(warm_up_prefix.size());
  const auto space = key.find(' ');
  const auto at = read_warm_up(value);
  if (space == std::string_view::npos || !at) return false;
  const std::lock_guard guard(lock_);
  places_[{std::string(key.substr(0, space)), std::string(key.substr(space + 1))}].at = *at;
  return true;
}

std::vector<limit_order> warm_up_book::configure(std::vector<warm_up_order> orders) {
  const std::lock_guard guard(lock_);
  orders_ = std::move(orders);
  any_.store(!orders_.empty(), std::memory_order_relaxed);
  std::vector<limit_order> limits;
  for (const auto& o : orders_) {
    const auto add = [&](std::string_view provider) {
      limits.push_back({scope_of(o.egress, provider), cap_at(o.plan, 1), limit_level::warm_up});
    };
    add(o.provider);
    if (o.provider == each) add(other_sites);
  }
  return limits;
}

void warm_up_book::apply() {
  const std::lock_guard guard(lock_);
  for (const auto& [where, k] : places_)
    apply(where, k);
}

void warm_up_book::apply(const place& where, const known& k) {
  const auto* by = order_for(where.first, where.second);
  if (by == nullptr) return;
  const auto provider = by->provider == each && where.second != other_sites ? each : std::string_view(where.second);
  limits_.adjust(scope_of(by->egress, provider), limit_level::warm_up, where.first + " and " + where.second,
                 cap_at(by->plan, k.at.day));
}

const warm_up_order* warm_up_book::order_for(std::string_view egress, std::string_view provider) const {
  const auto at = std::ranges::find_if(orders_, [&](const warm_up_order& o) {
    return o.egress == egress && (o.provider == each || o.provider == provider);
  });
  return at == orders_.end() ? nullptr : &*at;
}

void warm_up_book::note(std::string_view egress, std::string_view provider, warm_up_result r, wall_time now) {
  if (empty()) return;
  const std::lock_guard guard(lock_);
  const auto* by = order_for(egress, named(provider));
  if (by == nullptr) return;
  auto& k = places_[{std::string(egress), std::string(named(provider))}];
  if (!cap_of(by->plan, k.at.day)) return;
  count(k.at, r);
  ++k.unkept;
  if (k.at.since != wall_time{}) return;
  k.at.since = now;
  k.unkept = kept_every;
}

bool warm_up_book::spills(std::string_view egress, std::string_view provider) const {
  if (empty()) return false;
  const std::lock_guard guard(lock_);
  const auto* by = order_for(egress, named(provider));
  return by != nullptr && by->plan.full == when_full::other_egress;
}

warm_up_book::reviewed warm_up_book::review(wall_time now) {
  reviewed all;
  if (empty()) return all;
  const std::lock_guard guard(lock_);
  for (auto& [where, k] : places_) {
    const auto* by = order_for(where.first, where.second);
    if (by == nullptr) continue;
    if (const auto step = shaping::review(by->plan, k.at, now)) {
      // A quiet day that is only begun anew is no news.
      if (step->next.day != k.at.day || step->next.fell_back)
        k.told = fmt::format("{}: {}", what_of(by->plan, step->next.day), step->why);
      k.at = step->next;
      k.unkept = kept_every;
      apply(where, k);
    }
    if (k.told) all.changes.push_back({where.first, where.second, std::move(*k.told)});
    k.told.reset();
    if (k.unkept < kept_every) continue;
    k.unkept = 0;
    all.facts.push_back({fmt::format("{}{} {}", warm_up_prefix, where.first, where.second), warm_up_value(k.at)});
  }
  return all;
}

warm_up_book::line warm_up_book::line_of(const place& where, const known& k, const warm_up_order& by) const {
  return {where.first, where.second, k.at, by.plan.days, cap_of(by.plan, k.at.day), by.plan.full};
}

std::vector<warm_up_book::line> warm_up_book::lines() const {
  const std::lock_guard guard(lock_);
  std::vector<line> all;
  for (const auto& [where, k] : places_) {
    if (const auto* by = order_for(where.first, where.second)) all.push_back(line_of(where, k, *by));
  }
  return all;
}

std::optional<warm_up_book::line> warm_up_book::set_day(std::string_view egress, std::string_view provider,
                                                        std::uint32_t day) {
  const std::lock_guard guard(lock_);
  const auto* by = order_for(egress, named(provider));
  if (by == nullptr) return std::nullopt;
  const place where{egress, named(provider)};
  auto& k = places_[where];
  k.at = {.day = std::clamp<std::uint32_t>(day, 1, by->plan.days + 1)};
  k.unkept = kept_every;
  k.told = what_of(by->plan, k.at.day) + ": set by an operator";
  apply(where, k);
  return line_of(where, k, *by);
}

}  // namespace gonets::shaping
