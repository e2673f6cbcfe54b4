#include "delivery/egress_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/log.h"
#include "config/routes.h"

namespace gonets::delivery {
namespace {

constexpr std::size_t refused_max = 100'000;

// Fixed for good, so that a restart and a newer release agree.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t h = 0xCBF29CE484222325ull;
  for (const char c : text)
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  return h;
}

unsigned slot_of(const spool::lookup_name& of) {
  return of.slot ? *of.slot : static_cast<unsigned>(mixed(hash_of(of.domain)) % egress_book::slots);
}

// Weighted rendezvous: the highest score takes the slot. When an egress goes, only its own slots move.
double score(unsigned slot, const config::pool::member& m) {
  const auto h = mixed(hash_of(m.egress) ^ mixed(slot));
  const double u = (double(h >> 11) + 0.5) / double(1ull << 53);
  return -double(m.weight) / std::log(u);
}

const config::pool::member& best(unsigned slot, const std::vector<config::pool::member>& of) {
  return *std::ranges::max_element(of, {}, [&](const auto& m) { return score(slot, m); });
}

}  // namespace

egress_book::egress_book(const clock& time, metrics::registry& counts) : time_(time), counts_(counts) {}

void egress_book::configure(const config::settings& with) {
  const std::lock_guard guard(lock_);
  with_ = {};
  with_.delivery = with.delivery;
  with_.egresses = with.egresses;
  with_.pools = with.pools;
  with_.streams = with.streams;
  with_.routes = with.routes;
  states_.clear();
  down_ = 0;
  any_ = !with.egresses.empty() || !with.pools.empty();
  const auto add = [this](std::string_view name) {
    auto& gauge = counts_.make_gauge("gonets_egress_up", "1 while the egress works, 0 while it is left alone.",
                                     {{"egress", std::string(name)}});
    gauge.set(1);
    states_.emplace(name, state{}).first->second.up = &gauge;
  };
  add(config::default_egress);
  for (const auto& e : with.egresses)
    add(e.name);
}

void egress_book::set_accounts(account_ways all) {
  const std::lock_guard guard(lock_);
  accounts_ = std::move(all);
}

std::string_view egress_book::wanted_of(const spool::queued_message& m) const {
  if (!m.egress.empty()) return m.egress;
  if (const auto own = accounts_.find(m.account); own != accounts_.end()) return own->second;
  const auto of = std::ranges::find(with_.streams, m.stream, &config::stream::name);
  return of == with_.streams.end() ? std::string_view() : std::string_view(of->egress);
}

std::string egress_book::mark_of(const spool::queued_message& m) const {
  if (!any_.load(std::memory_order_relaxed)) return {};
  const std::lock_guard guard(lock_);
  const auto wanted = wanted_of(m);
  if (with_.pools.empty()) return fmt::format(";egress={}", wanted);
  return fmt::format(";egress={}#{}", wanted, mixed(m.id.value) % slots);
}

std::string egress_book::choose(const spool::lookup_name& of, std::string_view wanted, std::string_view site) const {
  if (!any_.load(std::memory_order_relaxed)) return std::string(config::default_egress);
  const std::lock_guard guard(lock_);
  auto all = config::members_of(with_, wanted);
  if (all.size() == 1) return all.front().egress;
  const auto now = time_.steady();
  const auto narrow = [&all](auto fits) {
    std::vector<config::pool::member> left;
    std::ranges::copy_if(all, std::back_inserter(left), fits);
    if (!left.empty()) all = std::move(left);
  };
  auto fit = fit_of(all, now);
  if (fit.empty()) {
    const auto first = std::ranges::min_element(all, {}, [&](const auto& m) { return trouble(m.egress, now)->lasts; });
    return first->egress;
  }
  all = std::move(fit);
  narrow([&](const auto& m) { return !is_refused(m.egress, site, now); });
  narrow([&](const auto& m) { return std::ranges::find(of.refused, m.egress) == of.refused.end(); });
  return best(slot_of(of), all).egress;
}

bool egress_book::has_other(const spool::lookup_name& of, std::string_view wanted, std::string_view than,
                            std::string_view site) const {
  const std::lock_guard guard(lock_);
  const auto now = time_.steady();
  return std::ranges::any_of(fit_of(config::members_of(with_, wanted), now), [&](const auto& m) {
    return m.egress != than && std::ranges::find(of.refused, m.egress) == of.refused.end() &&
           !is_refused(m.egress, site, now);
  });
}

std::vector<config::pool::member> egress_book::fit_of(std::vector<config::pool::member> all, steady_time now) const {
  std::erase_if(all, [&](const auto& m) { return trouble(m.egress, now).has_value(); });
  const auto clean = [this](const auto& m) { return !listed_.contains(m.egress); };
  if (!listed_.empty() && std::ranges::any_of(all, clean)) std::erase_if(all, std::not_fn(clean));
  return all;
}

bool egress_book::listed(std::string_view name, std::optional<std::string> why) {
  const std::lock_guard guard(lock_);
  const auto at = listed_.find(name);
  const bool was = at != listed_.end();
  if (!why) {
    if (was) listed_.erase(at);
  } else if (was) {
    at->second = std::move(*why);
  } else {
    listed_.emplace(name, std::move(*why));
  }
  return was != listed_.contains(name);
}

std::vector<std::pair<std::string, std::string>> egress_book::listed_for(const spool::queued_message& m,
                                                                         std::string_view domain) const {
  const std::lock_guard guard(lock_);
  std::vector<std::pair<std::string, std::string>> found;
  if (listed_.empty()) return found;
  const auto& route = config::match_route(with_, domain);
  if (route.kind != config::route_kind::mx && route.kind != config::route_kind::smtp) return found;
  const std::string_view wanted = route.egress.empty() ? wanted_of(m) : std::string_view(route.egress);
  for (const auto& each : config::members_of(with_, wanted)) {
    if (const auto at = listed_.find(each.egress); at != listed_.end()) found.emplace_back(*at);
  }
  return found;
}

config::egress egress_book::find(std::string_view name) const {
  const std::lock_guard guard(lock_);
  auto found = config::find_egress(with_, name);
  return found ? std::move(*found) : config::find_egress(with_, config::default_egress).value();
}

std::optional<spool::egress_trouble> egress_book::trouble(std::string_view name, steady_time now) const {
  const auto at = states_.find(name);
  if (at == states_.end() || !at->second.down || at->second.until <= now) return std::nullopt;
  const auto& s = at->second;
  return spool::egress_trouble{fmt::format("the egress {} does not work: {}", name, s.why),
                               std::chrono::ceil<std::chrono::milliseconds>(s.until - now)};
}

std::optional<spool::egress_trouble> egress_book::trouble_of(std::string_view name) const {
  if (down_ == 0) return std::nullopt;
  const std::lock_guard guard(lock_);
  return trouble(name, time_.steady());
}

spool::egress_trouble egress_book::failed(std::string_view name, const std::string& why) {
  const std::lock_guard guard(lock_);
  const auto now = time_.steady();
  if (const auto known = trouble(name, now)) return *known;
  auto& s = states_.emplace(name, state{}).first->second;
  if (!s.down) {
    ++down_;
    s.since = time_.wall();
  }
  s.pause = s.down ? std::min<std::chrono::milliseconds>(2 * s.pause, pause_max) : pause_min;
  s.down = true;
  s.why = why;
  s.until = now + s.pause;
  if (s.up != nullptr) s.up->set(0);
  GONETS_LOG(warning, "egress_down", "egress", name, "reason", why, "for_s", s.pause.count() / 1000);
  return *trouble(name, now);
}

void egress_book::worked(std::string_view name) {
  if (down_ == 0) return;
  const std::lock_guard guard(lock_);
  const auto at = states_.find(name);
  if (at == states_.end() || !at->second.down) return;
  --down_;
  at->second.down = false;
  if (at->second.up != nullptr) at->second.up->set(1);
  GONETS_LOG(info, "egress_up", "egress", name);
}

bool egress_book::is_refused(const std::string& name, std::string_view site, steady_time now) const {
  if (refused_.empty()) return false;
  const auto at = refused_.find({name, std::string(site)});
  return at != refused_.end() && at->second > now;
}

void egress_book::refused(std::string_view name, std::string_view site, std::chrono::milliseconds lasts) {
  const std::lock_guard guard(lock_);
  const auto now = time_.steady();
  if (refused_.size() >= refused_max) std::erase_if(refused_, [now](const auto& r) { return r.second <= now; });
  if (refused_.size() >= refused_max) return;  // what is held at its site all the same
  refused_[{std::string(name), std::string(site)}] = now + lasts;
}

std::vector<egress_book::line> egress_book::lines() const {
  const std::lock_guard guard(lock_);
  const auto now = time_.steady();
  std::vector<line> all;
  const auto add = [&](std::string_view name) {
    auto& added = all.emplace_back();
    added.what = config::find_egress(with_, name).value();
    added.down = trouble(name, now);
    added.taken_out = listed_.contains(name);
    if (const auto s = states_.find(name); s != states_.end() && s->second.down) {
      added.since = s->second.since;
      if (!added.down) added.down = spool::egress_trouble{s->second.why, {}};
    }
    for (const auto& p : with_.pools) {
      if (std::ranges::find(p.members, name, &config::pool::member::egress) != p.members.end())
        added.pools.push_back(p.name);
    }
  };
  add(config::default_egress);
  for (const auto& e : with_.egresses)
    add(e.name);
  return all;
}

}  // namespace gonets::delivery
