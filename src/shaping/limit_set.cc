#include "shaping/limit_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/wire.h"

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;
using enum limit_kind;

struct kind_facts {
  std::string_view text;
  std::chrono::milliseconds window;  // zero: not a rate
  bool on_connect;                   // a rate of connections, else of messages
};

constexpr std::array<kind_facts, limit_kinds> facts{{
    {"open connections", 0ms, false},
    {"new connections a minute", 1min, true},
    {"messages a second", 1s, false},
    {"messages a minute", 1min, false},
    {"messages an hour", 1h, false},
    {"messages a day", 24h, false},
    {"messages in flight", 0ms, false},
    {"messages a connection", 0ms, false},
    {"recipients a transaction", 0ms, false},
    {"nothing", 0ms, false},
    {"nothing before it is counted on the disk", 0ms, false},
}};

constexpr std::uint8_t state_version = 1;
// How much is reserved at once: a hundredth of the tightest window, for at most a thousandth of its time.
constexpr std::uint32_t reserve_share = 100;
constexpr std::uint32_t reserve_max = 1000;
constexpr int reserve_time_share = 1000;
constexpr std::chrono::milliseconds reserve_time_min = 1s;

constexpr const kind_facts& of(limit_kind k) {
  return facts[std::size_t(k)];
}

// What outlasts a restart; of that, what must be on the disk before anything is sent.
bool is_kept(limit_kind rate) {
  return of(rate).window > 1s;
}
bool is_reserved(limit_kind rate) {
  return is_kept(rate) && !of(rate).on_connect;
}

bool taken_by(limited_action action, limit_kind rate) {
  return of(rate).on_connect == (action == limited_action::connect);
}

// Which of two obstacles is told: one with a time before one without, the later one, the first named.
bool stands_longer(const limit_line& a, const limit_line& b) {
  if (a.until.has_value() != b.until.has_value()) return a.until.has_value();
  return a.until && *a.until > *b.until;
}

// What of `max` is left to urgent mail by what is not.
std::uint32_t left_to_urgent(limit_kind k, std::uint32_t max, urgency how) {
  if (how == urgency::urgent) return 0;
  if (of(k).window >= log_from) return max < 2 ? 0 : std::max(1u, max / 20);
  return max < 4 ? 0 : 1;
}

}  // namespace

std::string_view to_text(limit_level l) {
  switch (l) {
    case limit_level::server:
      return "server";
    case limit_level::egress:
      return "egress";
    case limit_level::provider:
      return "provider";
    case limit_level::site:
      return "site";
    case limit_level::egress_provider:
      return "egress x provider";
    case limit_level::account:
      return "account";
    case limit_level::stream:
      return "stream";
    case limit_level::account_provider:
      return "account x provider";
    case limit_level::warm_up:
      return "warm-up";
  }
  return "";
}

unsigned window_of(limit_kind k) {
  switch (k) {
    case limit_kind::messages_a_second:
      return 1;
    case limit_kind::messages_a_minute:
      return 60;
    case limit_kind::messages_an_hour:
      return 3600;
    case limit_kind::messages_a_day:
      return 86'400;
    default:
      return 0;
  }
}

std::string_view to_text(limit_kind k) {
  return of(k).text;
}

std::string to_text(const limit_line& l) {
  if (l.what == hold) return fmt::format("{} {} is held: {}", to_text(l.level), l.name, l.source);
  if (l.what == unwritten) return fmt::format("{} for {} {}", to_text(l.what), to_text(l.level), l.name);
  return fmt::format("{} {} for {} {} ({})", l.max, to_text(l.what), to_text(l.level), l.name, l.source);
}

void limit_node::configure(const std::vector<limit_setting>& settings) {
  settings_.clear();
  index_ = no_index();
  for (const auto& s : settings) {
    if (s.what == limit_kind::hold) continue;
    auto& at = index_[std::size_t(s.what)];
    if (at == none) {
      at = std::uint16_t(settings_.size());
      settings_.push_back(s);
    } else if (s.max < settings_[at].max) {
      settings_[at] = s;
    }
  }
  std::vector<rate> fresh;
  for (const auto& s : settings_) {
    if (of(s.what).window == 0ms) continue;
    const rate_bound bound{.window = of(s.what).window, .max = s.max, .burst = s.burst};
    const auto old = std::find_if(rates_.begin(), rates_.end(), [&](const rate& r) { return r.what == s.what; });
    auto counter = old == rates_.end() ? rate_limit(bound) : std::move(old->counter);
    if (counter.bound() != bound) counter.rebound(bound);
    fresh.push_back({s.what, index_[std::size_t(s.what)], std::move(counter)});
  }
  rates_ = std::move(fresh);
  const auto* open = setting(limit_kind::connections);
  connections_.set_max(open != nullptr ? open->max : UINT32_MAX);
}

const limit_setting* limit_node::setting(limit_kind k) const {
  const auto at = index_[std::size_t(k)];
  return at == none ? nullptr : &settings_[at];
}

void limit_node::hold(wall_time until, std::string why) {
  if (hold_ && hold_->until >= until) return;
  hold_ = held{until, std::move(why)};
}

limit_line limit_node::line_of(const limit_setting& s, std::uint32_t used, std::uint32_t max) const {
  return {.level = level_, .name = name_, .what = s.what, .used = used, .max = max, .source = s.source};
}

// Of what is not a rate. It must be set, but for `hold`.
limit_line limit_node::line(limit_kind k, wall_time now, urgency how) const {
  if (k == limit_kind::hold) {
    limit_line l{.level = level_, .name = name_, .what = k, .source = hold_->why, .blocks = now < hold_->until};
    if (l.blocks) l.until = hold_->until;
    return l;
  }
  const auto& s = *setting(k);
  const auto used = k == limit_kind::connections ? connections_.used() : k == limit_kind::in_flight ? in_flight_ : 0;
  auto l = line_of(s, used, s.max);
  l.blocks = used + left_to_urgent(k, s.max, how) >= s.max;
  return l;
}

std::optional<wall_time> limit_node::next_of(const rate& r, wall_time now, urgency how) {
  const auto left = left_to_urgent(r.what, r.counter.bound().max, how);
  const auto next = r.counter.next(now, 1 + left);
  // With a burst of one nothing can be left.
  return next || left == 0 ? next : r.counter.next(now);
}

bool limit_node::at_rest(wall_time now) const {
  if (connections_.used() != 0 || in_flight_ != 0 || (hold_ && now < hold_->until)) return false;
  return std::ranges::all_of(rates_, [&](const rate& r) { return r.counter.used(now) == 0; });
}

limit_line limit_node::rate_line(const rate& r, wall_time now, urgency how) const {
  auto l = line_of(settings_[r.setting], r.counter.used(now), r.counter.bound().max);
  const auto next = next_of(r, now, how);
  l.blocks = next != now;
  if (l.blocks) l.until = next;
  return l;
}

std::string limit_node::state_of(const std::vector<rate>& rates) const {
  std::string to;
  to += char(state_version);
  for (const auto& r : rates) {
    if (!is_kept(r.what)) continue;
    to += char(r.what);
    wire::put_text(to, r.counter.state());
  }
  return to;
}

std::string limit_node::state() const {
  return state_of(rates_);
}

bool limit_node::restore(std::string_view state) {
  wire::reader in(state);
  if (in.byte() != state_version) return false;
  std::vector<std::pair<rate*, rate_limit>> fresh;
  while (in.ok() && !in.at_end()) {
    const auto what = limit_kind(in.byte());
    const auto counts = in.text();
    if (!in.ok()) break;
    const auto at = std::ranges::find(rates_, what, &rate::what);
    if (at == rates_.end()) continue;
    fresh.emplace_back(&*at, rate_limit(at->counter.bound()));
    if (!fresh.back().second.restore(counts)) return false;
  }
  if (!in.ok()) return false;
  for (auto& [at, counter] : fresh)
    at->counter = std::move(counter);
  return true;
}

std::string limit_key(limit_level level, std::string_view name) {
  return fmt::format("limit {} {}", to_text(level), name);
}

void restore(limit_node& node, std::string_view state, wall_time now) {
  if (node.restore(state)) return;
  node.hold(now + 24h, "its count on the disk cannot be read");
}

// ---- on the disk ------------------------------------------------------------------------------------------------

bool limit_node::outlasts() const {
  return keeping_ == keeping::on_disk && std::ranges::any_of(rates_, [](const rate& r) { return is_reserved(r.what); });
}

bool limit_node::covered(wall_time now) const {
  return !outlasts() || (left_ > 0 && now <= covered_until_);
}

std::optional<limit_reserve> limit_node::reserve(wall_time now) {
  if (asked_ || !outlasts()) return std::nullopt;
  auto count = reserve_max;
  std::chrono::milliseconds lasts = window_max;
  for (const auto& r : rates_) {
    if (!is_reserved(r.what)) continue;
    count = std::min(count, std::max(1u, r.counter.bound().max / reserve_share));
    lasts = std::min(lasts, std::max(reserve_time_min, of(r.what).window / reserve_time_share));
  }
  if (left_ > count / 2 && now <= covered_until_) return std::nullopt;
  const auto until = now + lasts;
  const auto fits = [&] {
    return std::ranges::all_of(
        rates_, [&](const rate& r) { return !is_reserved(r.what) || r.counter.next(until, count) == until; });
  };
  while (!fits()) {
    if (count == 1) return std::nullopt;
    count /= 2;
  }
  std::vector<rate> then;
  for (const auto& r : rates_) {
    if (!is_kept(r.what)) continue;
    rate_limit counter(r.counter.bound());
    (void)counter.restore(r.counter.state());
    if (is_reserved(r.what)) (void)counter.admit(until, count);
    then.push_back({r.what, r.setting, std::move(counter)});
  }
  asked_ = 0;
  return limit_reserve{level_, name_, state_of(then), count, until};
}

void limit_node::reserved(const limit_reserve& r) {
  const auto meanwhile = asked_.value_or(0);
  asked_.reset();
  left_ = r.count - std::min(r.count, meanwhile);
  covered_until_ = r.until;
}

void limit_node::spend(wall_time now) {
  for (auto& r : rates_)
    if (taken_by(limited_action::send, r.what)) (void)r.counter.admit(now);
  if (left_ > 0) --left_;
  if (asked_ && *asked_ != UINT32_MAX) ++*asked_;
}

bool limit_node::exhaust(limit_kind window, wall_time now) {
  for (auto& r : rates_) {
    if (r.what != window) continue;
    // What fits in is no more than max, and each step takes half of it at least.
    for (auto n = r.counter.bound().max; n > 0; n = n == 1 ? 0 : (n + 1) / 2)
      while (r.counter.admit(now, n)) {
      }
    // What is being written will be replaced by a state without it.
    left_ = 0;
    if (asked_) asked_ = UINT32_MAX;
    return true;
  }
  return false;
}

limit_chain::limit_chain(std::initializer_list<limit_node*> nodes) {
  for (auto* n : nodes)
    add(n);
}

void limit_chain::add(limit_node* node) {
  if (node == nullptr) return;
  if (count_ == nodes_.size()) throw std::logic_error("a chain of limits has a node a level");
  nodes_[count_++] = node;
}

std::optional<obstacle> limit_chain::find_obstacle(limited_action action, wall_time now, urgency how) const {
  std::optional<obstacle> found;
  const auto note = [&](const limit_line& l) {
    if (!found || stands_longer(l, *found)) found = l;
  };
  const auto gauge = action == limited_action::connect ? limit_kind::connections : limit_kind::in_flight;
  for (const auto* n : nodes()) {
    if (n->hold_ && now < n->hold_->until) note(n->line(limit_kind::hold, now, how));
    if (const auto* s = n->setting(gauge); s != nullptr) {
      const auto used = gauge == limit_kind::connections ? n->connections_.used() : n->in_flight_;
      if (used + left_to_urgent(gauge, s->max, how) >= s->max) note(n->line(gauge, now, how));
    }
    for (const auto& r : n->rates_)
      if (taken_by(action, r.what) && limit_node::next_of(r, now, how) != now) note(n->rate_line(r, now, how));
  }
  return found;
}

std::optional<obstacle> limit_chain::admit(limited_action action, concurrency_limit::holder who, wall_time now,
                                           urgency how) {
  if (auto found = find_obstacle(action, now, how)) return found;
  if (action == limited_action::send) {
    for (const auto* n : nodes())
      if (!n->covered(now)) return limit_line{.level = n->level_, .name = n->name_, .what = unwritten, .blocks = true};
  }
  for (auto* n : nodes()) {
    if (action == limited_action::connect) {
      (void)n->connections_.take(who);
      for (auto& r : n->rates_)
        if (taken_by(action, r.what)) (void)r.counter.admit(now);
    } else {
      ++n->in_flight_;
      n->spend(now);
    }
  }
  return std::nullopt;
}

void limit_chain::end(limited_action action, concurrency_limit::holder who) {
  for (auto* n : nodes()) {
    if (action == limited_action::connect)
      (void)n->connections_.give_back(who);
    else if (n->in_flight_ > 0)
      --n->in_flight_;
  }
}

void limit_chain::take_back(wall_time then) {
  for (auto* n : nodes()) {
    for (auto& r : n->rates_)
      if (taken_by(limited_action::send, r.what)) (void)r.counter.take_back(then);
    ++n->left_;
  }
}

std::vector<limit_line> limit_chain::explain(wall_time now, urgency how) const {
  std::vector<limit_line> all;
  for (const auto* n : nodes()) {
    if (n->hold_ && now < n->hold_->until) all.push_back(n->line(limit_kind::hold, now, how));
    for (const auto& s : n->settings_) {
      const auto rate =
          std::find_if(n->rates_.begin(), n->rates_.end(), [&](const auto& r) { return r.what == s.what; });
      if (rate != n->rates_.end())
        all.push_back(n->rate_line(*rate, now, how));
      else if (s.what == limit_kind::connections || s.what == limit_kind::in_flight)
        all.push_back(n->line(s.what, now, how));
      else
        all.push_back(n->line_of(s, 0, s.max));
    }
  }
  return all;
}

std::optional<limit_line> limit_chain::tightest(limit_kind k) const {
  std::optional<limit_line> least;
  for (const auto* n : nodes())
    if (const auto* s = n->setting(k); s != nullptr && (!least || s->max < least->max))
      least = n->line_of(*s, 0, s->max);
  return least;
}

}  // namespace gonets::shaping
