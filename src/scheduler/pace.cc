// Who may be sent next, and when: the one question that wakes connections, hands out leases, and answers `why`.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "scheduler/detail/tuning.h"
#include "scheduler/scheduler.h"

namespace gonets::scheduler {

void scheduler::turn::wait(std::optional<wall_time> at) {
  if (!at) {
    until_something_ends = true;
  } else if (!until || *at < *until) {
    until = at;
  }
}

scheduler::turn scheduler::next_to_send(site& s, wall_time now) {
  turn t;
  if (s.held(now)) {
    t.wait(s.hold.until);
    return t;
  }
  const bool paced = is_paced(s);
  for (const auto& line : s.queue.lines()) {
    if (line->hot_count() == 0) continue;
    if (paced) {
      if (auto* p = s.pace(line->stream())) {
        end_slowdown(s, *p, now);
        if (const auto at = p->rate.next_send(now); at > now) {
          t.wait(at);
          continue;
        }
      }
    }
    // An account that may not go passes its turn on; what keeps the whole stream back, keeps them all.
    for (auto left = line->turns(); left > 0; --left) {
      auto* account = line->turn(entries_);
      if (account == nullptr) break;
      if (const auto* h = account_held(s, line->stream(), account->who, now)) {
        t.wait(h->until);
        line->pass(account->who);
        continue;
      }
      auto b = limit_in_the_way(s, line->stream(), account->who, now);
      if (!b) b = cover_send(s, line->stream(), account->who, now);
      if (b) {
        t.wait(b->until);
        t.until_warmer |= b->level == shaping::limit_level::warm_up && b->until;
        if (b->level != shaping::limit_level::account && b->level != shaping::limit_level::account_provider) break;
        line->pass(account->who);
        continue;
      }
      t.line = line.get();
      t.account = account;
      return t;
    }
  }
  return t;
}

void scheduler::wait_for(site& s, const turn& t) {
  const auto now = flow_now();
  auto at = t.until;
  if (s.held(now)) at = s.hold.until;
  if (s.health.state() == shaping::site_state::suspended) at = std::max(at, s.health.next_ready(now));
  // A time that has come is no reason to wake up: what is missing then (a message that is being read) comes by itself.
  if (at && *at > now) plan_wake(s, *at);
  if (t.until_something_ends) watch(s);  // what must end may be another shard's
}

// ---- limits -----------------------------------------------------------------------------------------------------

shaping::urgency scheduler::urgency_of(std::uint8_t stream) const {
  return policy(stream).priority == 0 ? shaping::urgency::urgent : shaping::urgency::ordinary;
}

shaping::limit_subject scheduler::subject_of(const site& s) const {
  shaping::limit_subject about;
  about.egress = s.to->egress();
  about.site = s.to->site_key;
  if (s.provider != nullptr) about.provider = s.provider->name;
  return about;
}

shaping::limit_subject scheduler::subject_of(const site& s, std::uint8_t stream, account_id account) const {
  auto about = subject_of(s);
  about.stream = policy(stream).name;
  about.account = account;
  return about;
}

std::optional<shaping::block> scheduler::limit_in_the_way(const site& s, std::uint8_t stream, account_id account,
                                                          wall_time now) const {
  using shaping::limited_action;
  if (s.limits) {
    const shaping::limit_chain own{s.limits.get()};
    if (const auto o = own.find_obstacle(limited_action::send, now, urgency_of(stream)))
      return shaping::block{o->level, o->until};
  }
  if (env_.limits.empty()) return std::nullopt;
  return env_.limits.find_block(limited_action::send, subject_of(s, stream, account), urgency_of(stream), now);
}

// Another shard may have taken what next_to_send() found.
bool scheduler::admit_send(site& s, const stream_line& line, account_id account, wall_time now) {
  using shaping::limited_action;
  const auto stream = line.stream();
  if (!env_.limits.empty()) {
    const auto b =
        env_.limits.admit(limited_action::send, subject_of(s, stream, account), urgency_of(stream), s.id.value, now);
    if (b) {
      turn t;
      t.wait(b->until);
      wait_for(s, t);
      return false;
    }
  }
  if (s.limits) (void)shaping::limit_chain{s.limits.get()}.admit(limited_action::send, s.id.value, now);
  return true;
}

void scheduler::end_send(site& s, std::uint8_t stream, account_id account, std::optional<wall_time> unused_since) {
  using shaping::limited_action;
  if (s.limits) {
    shaping::limit_chain own{s.limits.get()};
    own.end(limited_action::send, s.id.value);
    if (unused_since) own.take_back(*unused_since);
  }
  if (env_.limits.empty()) return;
  const auto about = subject_of(s, stream, account);
  env_.limits.end(limited_action::send, about, s.id.value);
  if (unused_since) env_.limits.take_back(about, *unused_since);
}

// ---- holds ------------------------------------------------------------------------------------------------------

namespace {

const std::string& place_of(const site& s) {
  return s.provider != nullptr ? s.provider->name : s.to->site_key;
}

}  // namespace

const scheduler::account_hold* scheduler::account_held(const site& s, std::uint8_t stream, account_id account,
                                                       wall_time now) const {
  if (account_holds_.empty() || with_.pace.dry_run) return nullptr;
  const auto at = std::ranges::find_if(account_holds_, [&](const account_hold& h) {
    return h.account == account && h.stream == stream && now < h.until && h.where == place_of(s);
  });
  return at == account_holds_.end() ? nullptr : &*at;
}

// A provider's sites live on all shards.
void scheduler::hold_account(site& s, std::uint8_t stream, account_id account, const shaping::ruling& by) {
  const auto now = flow_now();
  const auto* before = account_held(s, stream, account, now);
  if (before == nullptr) note_pace(s, stream, "account held here: " + to_text(by), by.rule->name);
  if (with_.pace.dry_run) return;
  account_hold h{account, stream, place_of(s), {}, to_text(by)};
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const auto take_over = [other = all_[i], h, lasts = by.what.duration]() mutable {
      const auto then = other->flow_now();
      std::erase_if(other->account_holds_, [&](const account_hold& old) {
        return old.until <= then || (old.account == h.account && old.stream == h.stream && old.where == h.where);
      });
      h.until = then + lasts;
      other->account_holds_.push_back(h);
    };
    if (i == with_.shard) {
      auto here = take_over;
      here();
      keep_account_hold(account_holds_.back());
    } else {
      env_.shards.post(i, take_over);
    }
  }
}

void scheduler::hold_site(site& s, const shaping::ruling& by) {
  const auto now = flow_now();
  const auto until = now + by.what.duration;
  if (until <= s.hold.until) return;
  if (!s.held(now)) note_pace(s, 0, "site held: " + to_text(by), by.rule->name);
  if (with_.pace.dry_run) return;
  s.hold = {until, to_text(by)};
  keep_hold(s);
}

// Of the windows that are limited here the shortest that the rule's time fits in; where there is none, the site waits.
void scheduler::close_window(site& s, const shaping::ruling& by) {
  using enum shaping::limit_kind;
  using namespace std::chrono_literals;
  static constexpr std::array<std::pair<std::chrono::seconds, shaping::limit_kind>, 3> windows{
      {{1min, messages_a_minute}, {1h, messages_an_hour}, {24h, messages_a_day}}};
  const auto now = flow_now();
  for (const auto& [length, window] : windows) {
    if (length < by.what.duration || with_.pace.dry_run || !exhaust(s, window, now)) continue;
    return note_pace(s, 0, fmt::format("no more {} for now: {}", to_text(window), to_text(by)), by.rule->name);
  }
  hold_site(s, by);
}

// ---- pace -------------------------------------------------------------------------------------------------------

bool scheduler::is_paced(const site& s) const {
  return with_.pace.adaptive && !with_.pace.dry_run && s.to->paced() != spool::destination::pacing::none;
}

shaping::pace_policy scheduler::policy_for(const site& s, const stream_pace* p) const {
  shaping::pace_policy policy;
  policy.ceiling = with_.pace.rate_max;
  policy.connections_max = static_cast<unsigned>(std::max<std::size_t>(1, with_.connections_per_site_max));
  if (s.to->paced() == spool::destination::pacing::open) {
    policy.start = policy.ceiling;
    policy.connections_start = policy.connections_max;
  } else {
    policy.start = std::min(with_.pace.start_rate, policy.ceiling);
    policy.connections_start = with_.pace.start_connections;
  }
  if (p != nullptr && p->slow) policy.ceiling = std::max(policy.floor, std::min(policy.ceiling, p->slow->rate_max));
  return policy;
}

stream_pace& scheduler::pace_for(site& s, std::uint8_t stream, wall_time now) {
  if (auto* known = s.pace(stream)) return *known;
  s.paces.push_back(std::make_unique<stream_pace>(stream, policy_for(s, nullptr), now));
  recall_pin(s, *s.paces.back(), now);
  return *s.paces.back();
}

void scheduler::end_slowdown(site& s, stream_pace& p, wall_time now) {
  if (!p.slow || now < p.slow->until) return;
  p.slow.reset();
  p.rate.reconfigure(policy_for(s, nullptr), now);
}

// To a rate that a rule names. What was under way when it was slowed down says nothing new. False: the pace finds by
// itself how far to slow down; to a share of what it is now, it knows better (ADR 13).
bool scheduler::slow_down(site& s, std::uint8_t stream, const shaping::ruling& by, wall_time began) {
  const auto now = flow_now();
  auto* p = s.pace(stream);
  const auto& to = by.what.to;
  if (p == nullptr || !to || by.what.duration.count() == 0 || p->rate.phase() == shaping::pace_phase::pinned)
    return false;
  if (p->slow && began <= p->slow->since) return true;
  const auto rate = 1000.0 * to->messages / double(to->per.count());
  p->slow = stream_pace::slowed{rate, now, now + by.what.duration, to_text(by)};
  const auto change = p->rate.reconfigure(policy_for(s, p), now);
  note_pace(s, stream,
            fmt::format("{} messages a second at most, by {}; it was {}", shaping::rate_text(rate), to_text(by),
                        shaping::rate_text(change ? change->old_rate : p->rate.rate())),
            by.rule->name);
  return true;
}

// A receiver's limit is the site's, whichever stream runs into it: the least urgent that was sent lately gives way.
stream_pace* scheduler::who_gives_way(site& s, std::uint8_t stream, wall_time now) const {
  auto* least = s.pace(stream);
  if (least == nullptr) return nullptr;
  for (const auto& p : s.paces) {
    if (policy(p->stream).priority > policy(least->stream).priority && now - p->used < detail::gives_way_for)
      least = p.get();
  }
  return least;
}

void scheduler::learn_pace(site& s, std::uint8_t stream, const shaping::pace_result& r) {
  auto* p = r.outcome == shaping::pace_outcome::throttled ? who_gives_way(s, stream, r.now) : s.pace(stream);
  if (p == nullptr) return;
  const auto change = p->rate.on_result(r);
  if (!change) return;
  note_pace(s, p->stream, to_text(*change), change->rule);
  if (change->new_connections == change->old_connections || r.outcome != shaping::pace_outcome::too_many_connections)
    return;
  // The connections are the site's: what one stream has learnt holds for all.
  for (const auto& other : s.paces) {
    if (other.get() != p) (void)other->rate.on_result(r);
  }
}

// A greeting of 421 while others are open: one connection too many, which is no failure of the site, nor of the
// message.
bool scheduler::crowded_out(const site& s, const spool::attempt_result& r) const {
  if (!is_paced(s) || r.recipients.empty() || s.connections < 2) return false;
  const auto& o = r.recipients.front();
  if (!o.from_peer || o.at != stage::greeting || o.answer.code != 421) return false;
  // Pinned, it could go on for ever.
  return std::ranges::none_of(s.paces, [](const auto& p) { return p->rate.phase() == shaping::pace_phase::pinned; });
}

void scheduler::note_pace(const site& s, std::uint8_t stream, const std::string& what, std::string_view rule) {
  events::event happened;
  happened.kind = events::kind::pace;
  happened.at = env_.time.wall();
  happened.route = s.to->site_key;
  happened.stream = policy(stream).name;
  happened.reason = with_.pace.dry_run ? "dry run: " + what : what;
  happened.origin = rule;
  GONETS_LOG(info, "pace", "site", happened.route, "stream", happened.stream, "what", happened.reason);
  env_.store.record(std::move(happened));
}

}  // namespace gonets::scheduler
