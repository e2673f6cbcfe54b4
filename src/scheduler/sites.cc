// The sites of a shard: their queues, their connections, what is read from disk for them, and the leases.
#include <algorithm>
#include <ranges>
#include <utility>

#include "base/log.h"
#include "scheduler/detail/tuning.h"
#include "scheduler/detail/weight.h"
#include "scheduler/scheduler.h"
#include "shaping/limit_fields.h"

namespace gonets::scheduler {

site& scheduler::site_for(const spool::destination_ptr& to) {
  const auto at = site_numbers_.find(to->site_key);
  if (at != site_numbers_.end()) {
    auto& known = *sites_[at->second];
    if (known.to != to) {
      known.to = to;  // the latest: addresses, hosts and limits may have changed
      learn_of(known);
    }
    return known;
  }
  std::uint32_t number;
  if (free_sites_.empty()) {
    number = static_cast<std::uint32_t>(sites_.size());
    sites_.emplace_back();
  } else {
    number = free_sites_.back();
    free_sites_.pop_back();
  }
  sites_[number] = std::make_unique<site>(spool::site_id{number}, to,
                                          shaping::site_backoff(with_.site_backoff_base, with_.site_backoff_max));
  learn_of(*sites_[number]);
  recall(*sites_[number]);
  site_numbers_[to->site_key] = number;
  return *sites_[number];
}

// What rules and routes say of it.
void scheduler::learn_of(site& s) {
  s.provider = with_.rules->providers.find_hosts(s.to->hosts());
  auto settings = s.to->limits();
  if (s.provider != nullptr) {
    const auto known = shaping::settings_of(s.provider->limits, "rules: " + s.provider->name);
    settings.insert(settings.end(), known.begin(), known.end());
  }
  if (settings.empty() && !s.limits) return;
  const bool known = s.limits != nullptr;
  if (!known)
    s.limits =
        std::make_unique<shaping::limit_node>(shaping::limit_level::site, s.to->site_key, shaping::keeping::on_disk);
  s.limits->configure(settings);
  if (known) return;
  const auto was = env_.store.pace().find(shaping::limit_key(shaping::limit_level::site, s.to->site_key));
  if (was) restore(*s.limits, *was, flow_now());
}

site* scheduler::find(spool::site_id id) {
  return id.value < sites_.size() ? sites_[id.value].get() : nullptr;
}

// What must not be forgotten with it, or the next message would be sent as if it were the first.
wall_time scheduler::kept_until(const site& s, wall_time now) const {
  auto until = s.hold.until;
  if (s.limits && !s.limits->at_rest(now)) until = std::max(until, now + detail::limits_asked_again);
  for (const auto& p : s.paces) {
    const auto fresh = policy_for(s, nullptr);
    const bool learnt = p->rate.phase() != shaping::pace_phase::starting || p->rate.rate() > fresh.start;
    until = std::max(until, learnt ? p->used + detail::pace_kept : p->rate.next_send(now));
    if (p->rate.phase() == shaping::pace_phase::pinned) until = std::max(until, now + detail::pace_kept);
  }
  return until;
}

void scheduler::drop_if_idle(site& s) {
  if (!s.idle() || s.listed || s.placed) return;
  const auto now = flow_now();
  if (const auto until = kept_until(s, now); until > now) return plan_wake(s, until);
  const auto number = s.id.value;
  site_numbers_.erase(s.to->site_key);
  sites_[number].reset();
  free_sites_.push_back(number);
}

// What left a queue by its state alone is still linked there, and that may be the wrong queue by now: of another site,
// or for messages in memory. An empty entry takes its place, and it gets a new handle.
handle scheduler::unlinked(handle h) {
  auto& e = entries_[h];
  if (!e.linked) return h;
  auto moving = e;
  moving.linked = false;
  moving.next = no_handle;
  moving.domain = entries_.domains.add(entries_.domains.name(e.domain));
  if (e.labels != no_labels) moving.labels = entries_.labels.add(entries_.labels.name(e.labels));
  e.hot.reset();
  e.state = entry_state::free;
  return entries_.add(std::move(moving));
}

void scheduler::enqueue(handle h, site& at, bool front) {
  if (must_pause(entries_[h], &at)) {
    watch_expiry(h);
    return pause(h);
  }
  h = unlinked(h);
  watch_expiry(h);
  auto& e = entries_[h];
  e.state = entry_state::ready;
  e.at = &at;
  at.queue.push(entries_, h, policy(e.stream).priority, weight_of(e.account), front);
}

void scheduler::forget(handle h) {
  auto& e = entries_[h];
  cool(e);
  queued_.add(-1);
  e.state = entry_state::free;
  if (!e.linked) entries_.remove(h);
}

void scheduler::cool(entry& e) {
  if (!e.hot) return;
  hot_bytes_ -= detail::weight_of(*e.hot);
  e.hot.reset();
}

// ---- connections ------------------------------------------------------------------------------------------------

std::size_t scheduler::connections_max(const site& s) const {
  std::size_t most = with_.connections_per_site_max;
  if (!is_paced(s)) return most;
  if (s.paces.empty()) return std::min<std::size_t>(most, policy_for(s, nullptr).connections_start);
  unsigned paced = 0;
  for (const auto& p : s.paces)
    paced = std::max(paced, p->rate.connections());
  return std::min<std::size_t>(most, paced);
}

// Whether one more connection is worth it: few busy ones beat many, as long as nobody waits.
bool scheduler::may_open(site& s, wall_time now) {
  const auto ready = s.queue.hot_count();
  if (s.connections >= connections_max(s)) return false;
  if (s.health.state() != shaping::site_state::ready) {
    if (s.connections > 0) return false;
    return s.health.admit(now);
  }
  if (s.connections == 0 || ready > s.connections * detail::backlog_per_connection) return true;
  bool patient = true;
  for (const auto& line : s.queue.lines()) {
    const auto* first = line->turn(entries_);
    if (first == nullptr) continue;
    // Few connections keep up with a slow pace, however long its queue waits.
    const auto* p = s.pace(line->stream());
    if (is_paced(s) && p != nullptr && p->rate.next_send(now) > now) continue;
    patient = patient && now_ms() - entries_[first->hot.first()].due_ms <= detail::patience_ms;
  }
  return !patient;
}

void scheduler::open_connection(site& s, wall_time now) {
  const auto holder = s.id.value;
  if (s.limits) {
    shaping::limit_chain own{s.limits.get()};
    if (const auto o = own.find_obstacle(shaping::limited_action::connect, now)) {
      if (o->until) plan_wake(s, *o->until);
      return;
    }
  }
  if (const auto b =
          env_.limits.admit(shaping::limited_action::connect, subject_of(s), shaping::urgency::urgent, holder, now)) {
    if (b->until) plan_wake(s, *b->until);
    return;
  }
  if (s.limits) (void)shaping::limit_chain{s.limits.get()}.admit(shaping::limited_action::connect, holder, now);
  ++s.connections;
  env_.transport.open(s.id, s.to);
}

void scheduler::kick(site& s) {
  if (stopping_) return;
  if (!s.leaving.empty()) pass_some(s);
  load_some(s);
  if (s.queue.empty() && s.loading == 0) return;
  if (waits_for_disk(s)) return;
  const auto now = flow_now();
  for (unsigned n = 0; n < detail::wakes_at_once && s.queue.hot_count() > 0; ++n) {
    const auto t = next_to_send(s, now);
    if (t.line == nullptr) {
      wait_for(s, t);
      if (t.until_warmer) spill(s);
      return;
    }
    watch(s);
    const auto before = s.queue.hot_count();
    if (env_.transport.resume(s.id)) {
      if (s.queue.hot_count() == before) return;
      continue;
    }
    if (s.health.state() == shaping::site_state::suspended) {
      const auto ready = *s.health.next_ready(now);
      if (ready > now) return plan_wake(s, ready);
    }
    if (!may_open(s, now)) return;
    const auto open = s.connections;
    open_connection(s, now);
    if (s.connections == open) return;
  }
  if (s.queue.hot_count() == 0 && s.queue.cold_count() > 0) wait_for(s, {});
}

void scheduler::watch(site& s) {
  if (s.listed) return;
  s.listed = true;
  watched_.push_back(s.id);
}

bool scheduler::waits_for_disk(site& s) {
  if (env_.store.unwritten() < detail::unwritten_max) return false;
  watch(s);
  return true;
}

void scheduler::plan_wake(site& s, wall_time at) {
  if (s.wake_at != wall_time{} && s.wake_at <= at) return;
  s.wake_at = at;
  wakes_.push_back({at, s.id});
  std::ranges::push_heap(wakes_, std::greater<>{});
}

void scheduler::site_reached(spool::site_id id) {
  auto* s = find(id);
  if (s == nullptr) return;
  s->health.succeeded();
  ++s->reached;
}

void scheduler::connection_closed(spool::site_id id, bool reached) {
  auto* s = find(id);
  if (s == nullptr) return;
  --s->connections;
  if (reached) --s->reached;
  if (s->limits) shaping::limit_chain{s->limits.get()}.end(shaping::limited_action::connect, s->id.value);
  env_.limits.end(shaping::limited_action::connect, subject_of(*s), s->id.value);
  if (s->connections == 0 && s->health.state() == shaping::site_state::probing) {
    s->health.probe_abandoned(flow_now());
  }
  kick(*s);
  drop_if_idle(*s);
}

// ---- leases -----------------------------------------------------------------------------------------------------

std::optional<std::size_t> scheduler::messages_a_connection_max(spool::site_id id) const {
  const auto* s = id.value < sites_.size() ? sites_[id.value].get() : nullptr;
  if (s == nullptr) return std::nullopt;
  std::optional<std::size_t> least;
  if (s->limits) {
    const auto own = shaping::limit_chain{s->limits.get()}.tightest(shaping::limit_kind::messages_a_connection);
    if (own) least = own->max;
  }
  const auto set = env_.limits.tightest(shaping::limit_kind::messages_a_connection, subject_of(*s));
  if (set && (!least || *set < *least)) least = *set;
  return least;
}

std::optional<spool::lease> scheduler::take(spool::site_id id, std::size_t recipients_max) {
  for (std::size_t i = 0; i < detail::kept_apart_at_once; ++i) {
    auto l = take_next(id, recipients_max);
    if (!l || !l->entries.empty()) return l;
  }
  // Others want the shard, too.
  env_.shards.post(with_.shard, [this, id] {
    if (auto* s = find(id); s != nullptr && !stopping_) kick(*s);
  });
  return std::nullopt;
}

// Without entries: all that would have gone is kept apart for a look at the list.
std::optional<spool::lease> scheduler::take_next(spool::site_id id, std::size_t recipients_max) {
  auto* s = find(id);
  if (s == nullptr || stopping_ || waits_for_disk(*s)) return std::nullopt;
  const auto now = flow_now();
  const auto t = next_to_send(*s, now);
  if (t.line == nullptr) {
    wait_for(*s, t);
    return std::nullopt;
  }
  const auto account = t.account->who;
  const auto stream = t.line->stream();
  if (!admit_send(*s, *t.line, account, now)) return std::nullopt;
  const auto least = [&](std::optional<std::size_t> bound) {
    if (bound) recipients_max = std::min(recipients_max, std::max<std::size_t>(1, *bound));
  };
  if (s->limits) {
    const auto own = shaping::limit_chain{s->limits.get()}.tightest(shaping::limit_kind::recipients_a_transaction);
    if (own) least(own->max);
  }
  if (!env_.limits.empty()) {
    least(env_.limits.tightest(shaping::limit_kind::recipients_a_transaction, subject_of(*s, stream, account)));
  }
  spool::lease l;
  l.site = id;
  l.began = now;
  t.line->take(entries_, *t.account, recipients_max, l.entries);
  if (keep_apart_suppressed(l.entries); l.entries.empty()) {
    end_send(*s, stream, account, now);
    return l;
  }
  const auto& first = entries_[l.entries.front()];
  l.waited = std::chrono::milliseconds(std::max<std::int64_t>(0, now_ms() - first.due_ms));
  l.message = first.hot;
  l.recipients.reserve(l.entries.size());
  for (const auto h : l.entries) {
    auto& e = entries_[h];
    e.state = entry_state::leased;
    l.recipients.push_back(e.index);
  }
  s->queue.rotate(*t.line);
  s->leased += l.entries.size();
  leased_ += l.entries.size();
  ++s->attempts;
  if (with_.pace.adaptive && s->to->paced() != spool::destination::pacing::none) {
    auto& p = pace_for(*s, stream, now);
    p.used = now;
    p.rate.on_send(now, s->attempts);
  }
  load_some(*s);
  return l;
}

// ---- from disk --------------------------------------------------------------------------------------------------

// Reads the messages of the next few cold recipients, off the shard.
void scheduler::load_some(site& s) {
  if (s.loading > 0 || s.queue.cold_count() == 0) return;
  const auto now = flow_now();
  if (s.held(now)) return;
  // Once its time has come, a suspended site needs a message in memory to be probed with.
  if (s.health.state() == shaping::site_state::suspended && s.health.next_ready(now) > now) return;
  const auto next = s.queue.next_to_read(entries_, detail::read_at_once);
  if (next.empty()) return;
  std::vector<std::pair<message_id, std::vector<handle>>> wanted;
  for (const auto h : next) {
    entries_[h].state = entry_state::loading;
    if (wanted.empty() || wanted.back().first != entries_[h].id) wanted.push_back({entries_[h].id, {}});
    wanted.back().second.push_back(h);
  }
  s.loading += next.size();
  const auto work = [this, at = s.id, wanted]() {
    std::vector<spool::message_ptr> found;
    for (const auto& [id, handles] : wanted)
      found.push_back(env_.store.fetch(id, true));
    env_.shards.post(with_.shard, [this, at, wanted, found] {
      for (std::size_t i = 0; i < wanted.size(); ++i)
        loaded(at, wanted[i].first, wanted[i].second, found[i]);
      if (auto* site = find(at)) kick(*site);
    });
  };
  if (env_.blocking.run(work)) return;
  for (const auto h : next | std::views::reverse)
    enqueue(h, s, true);
  s.loading = 0;
  plan_wake(s, now + detail::reading_tried_again);
}

void scheduler::loaded(spool::site_id at, message_id id, const std::vector<handle>& waiting,
                       const spool::message_ptr& m) {
  auto* s = find(at);  // kept by `loading`
  for (const auto h : waiting) {
    --s->loading;
    auto& e = entries_[h];
    if (e.state != entry_state::loading) continue;  // held meanwhile
    if (e.remove_wanted) {
      end_entry(h, events::kind::cancelled, {}, {});
      continue;
    }
    if (!m) {
      // Unreadable: kept, and tried again later; `audit` and the log tell the operator.
      GONETS_LOG(error, "message_unreadable", "id", to_text(id));
      defer_until(h, now_ms() + detail::unreadable_retry_ms);
      continue;
    }
    e.hot = m;
    hot_bytes_ += detail::weight_of(*m);
    enqueue(h, *s, false);
  }
}

}  // namespace gonets::scheduler
