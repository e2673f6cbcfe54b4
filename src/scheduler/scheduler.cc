#include "scheduler/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "scheduler/detail/tuning.h"

namespace gonets::scheduler {
namespace {

constexpr std::uint32_t site_bit = 0x8000'0000u;

std::uint64_t weight(const spool::queued_message& m) {
  const auto in_memory = m.head.size() + m.body.size();
  return in_memory / std::max<std::size_t>(1, m.envelope.recipients.size()) + detail::message_overhead_bytes;
}

}  // namespace

scheduler::scheduler(options with, environment env)
    : with_(std::move(with)),
      env_(env),
      random_(with_.seed),
      delivered_(env.counts.make_counter("gonets_recipients_ended_total", "Recipients that reached an end.",
                                         {{"how", "delivered"}})),
      deferred_(env.counts.make_counter("gonets_attempts_deferred_total", "Attempts that failed for now.")),
      bounced_(env.counts.make_counter("gonets_recipients_ended_total", "Recipients that reached an end.",
                                       {{"how", "bounced"}})),
      expired_(env.counts.make_counter("gonets_recipients_ended_total", "Recipients that reached an end.",
                                       {{"how", "expired"}})),
      discarded_(env.counts.make_counter("gonets_recipients_ended_total", "Recipients that reached an end.",
                                         {{"how", "discarded"}})),
      cancelled_(env.counts.make_counter("gonets_recipients_ended_total", "Recipients that reached an end.",
                                         {{"how", "cancelled"}})),
      queued_(env.counts.make_gauge("gonets_queue_recipients", "Recipients in the queue.")) {}

scheduler::~scheduler() = default;

void scheduler::reconfigure(options fresh) {
  // Entries name their stream by number: numbers stay, policies change; new streams come after the old ones.
  for (auto& policy : fresh.streams) {
    const auto known = std::ranges::find(with_.streams, policy.name, &stream_policy::name);
    if (known != with_.streams.end()) {
      *known = std::move(policy);
    } else {
      with_.streams.push_back(std::move(policy));
    }
  }
  with_.connections_per_site_max = fresh.connections_per_site_max;
  with_.site_backoff_base = fresh.site_backoff_base;
  with_.site_backoff_max = fresh.site_backoff_max;
  const auto old = std::exchange(with_.rules, std::move(fresh.rules));  // until no site refers to it
  for (const auto& s : sites_) {
    if (s) s->provider = with_.rules->providers.find_hosts(s->to->hosts());
  }
}

std::uint8_t scheduler::stream_number(const std::string& name) const {
  for (std::size_t i = 0; i < with_.streams.size(); ++i) {
    if (with_.streams[i].name == name) return static_cast<std::uint8_t>(i);
  }
  return 0;
}

// ---- entering ---------------------------------------------------------------------------------------------------

void scheduler::admit(spool::message_ptr m) {
  const auto total = m->envelope.recipients.size();
  const auto stream = stream_number(m->stream);
  for (std::size_t i = 0; i < total; ++i) {
    newcomer n;
    n.as.id = m->id;
    n.as.account = m->account;
    n.as.index = recipient_index{static_cast<std::uint16_t>(i)};
    n.as.recipients_total = static_cast<std::uint16_t>(total);
    n.as.stream = stream;
    n.as.due_ms = accepted_at_ms(m->id);
    n.domain = spool::marked_domain(*m, n.as.index);
    n.hot = m;
    dispatch(std::move(n));
  }
  kick_placed();
}

void scheduler::load_recipient(const spool::queued_message& m, const spool::loaded_recipient& r) {
  newcomer n;
  n.as.id = m.id;
  n.as.account = m.account;
  n.as.index = r.index;
  n.as.recipients_total = static_cast<std::uint16_t>(m.envelope.recipients.size());
  n.as.attempts = r.record.attempts;
  n.as.recorded = r.record != spool::recipient_record{};
  n.as.delay_reported = r.record.delay_reported;
  n.as.due_ms = r.record.due.time_since_epoch().count();
  n.as.state = r.record.phase == spool::recipient_phase::held ? entry_state::held : entry_state::deferred;
  n.domain = spool::marked_domain(m, r.index);
  n.as.stream = stream_number(m.stream);
  const auto owner = std::hash<std::string_view>{}(n.domain) % all_.size();
  env_.shards.post(owner, [to = all_[owner], one = std::move(n)]() mutable {
    one.as.domain = to->entries_.domains.add(one.domain);
    to->queued_.add(1);
    const auto due_ms = one.as.due_ms;
    const bool waits = one.as.state == entry_state::deferred;
    const auto h = to->entries_.add(std::move(one.as));
    if (waits) to->defer_until(h, due_ms);
  });
}

// The hot path: a known destination, on this shard.
void scheduler::dispatch(newcomer n) {
  auto to = env_.directory.known(n.domain);
  if (!to) {
    n.as.domain = entries_.domains.add(n.domain);
    n.as.state = entry_state::resolving;
    n.as.hot = std::move(n.hot);
    if (n.as.hot) hot_bytes_ += weight(*n.as.hot);
    queued_.add(1);
    const auto h = entries_.add(std::move(n.as));
    return resolve(h);
  }
  place(std::move(n), std::move(to));
}

void scheduler::place(newcomer n, spool::destination_ptr to) {
  const auto owner = std::hash<std::string_view>{}(to->site_key) % all_.size();
  if (owner != with_.shard) {
    departing_.resize(all_.size());
    departing_[owner].push_back({std::move(n), std::move(to)});
    return;
  }
  n.as.domain = entries_.domains.add(n.domain);
  if (n.hot && hot_bytes_ + weight(*n.hot) <= with_.hot_bytes_max) {
    hot_bytes_ += weight(*n.hot);
    n.as.hot = std::move(n.hot);
  }
  queued_.add(1);
  const auto h = entries_.add(std::move(n.as));
  auto& s = site_for(to);
  enqueue(h, s, false);
  kick_later(s);
}

void scheduler::place(handle h, spool::destination_ptr to) {
  const auto owner = std::hash<std::string_view>{}(to->site_key) % all_.size();
  if (owner == with_.shard) {
    auto& s = site_for(to);
    enqueue(h, s, false);
    return kick_later(s);
  }
  newcomer moving;
  auto& e = entries_[h];
  moving.domain = entries_.domains.name(e.domain);
  moving.hot = e.hot;
  cool(e);
  moving.as = e;
  moving.as.at = nullptr;
  moving.as.next = moving.as.sibling = no_handle;
  moving.as.linked = false;
  forget(h);
  place(std::move(moving), std::move(to));
}

void scheduler::kick_later(site& s) {
  if (s.placed) return;
  s.placed = true;
  placed_.push_back(s.id);
}

void scheduler::kick_placed() {
  for (std::size_t i = 0; i < placed_.size(); ++i) {
    auto* s = find(placed_[i]);
    if (s == nullptr) continue;
    s->placed = false;
    kick(*s);
    drop_if_idle(*s);
  }
  placed_.clear();
  for (std::size_t owner = 0; owner < departing_.size(); ++owner) {
    if (departing_[owner].empty()) continue;
    env_.shards.post(owner, [other = all_[owner], all = std::exchange(departing_[owner], {})]() mutable {
      for (auto& d : all)
        other->place(std::move(d.who), std::move(d.to));
      other->kick_placed();
    });
  }
}

void scheduler::resolve(handle h) {
  auto& e = entries_[h];
  e.state = entry_state::resolving;
  const auto& domain = entries_.domains.name(e.domain);
  auto& waiting = lookups_[domain];
  waiting.push_back(h);
  if (waiting.size() > 1) return;
  env_.directory.find(domain, [this, domain](spool::destination_ptr found, smtp::recipient_outcome why_not) {
    resolved(domain, std::move(found), why_not);
  });
}

void scheduler::resolved(const std::string& domain, spool::destination_ptr found,
                         const smtp::recipient_outcome& why_not) {
  const auto at = lookups_.find(domain);
  if (at == lookups_.end()) return;
  const auto waiting = std::move(at->second);
  lookups_.erase(at);
  for (const auto h : waiting) {
    if (entries_[h].state != entry_state::resolving) continue;  // held meanwhile
    if (entries_[h].remove_wanted) {
      end_entry(h, events::kind::cancelled, {}, {});
    } else if (found) {
      place(h, found);
    } else {
      end_entry(h, events::kind::deferred, why_not, {});
    }
  }
  kick_placed();
}

// ---- waiting ----------------------------------------------------------------------------------------------------

void scheduler::push_heap(heap_item item) {
  heap_.push_back(item);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>{});
}

void scheduler::defer_until(handle h, std::int64_t due_ms) {
  auto& e = entries_[h];
  cool(e);
  e.at = nullptr;
  e.state = entry_state::deferred;
  e.due_ms = due_ms;
  push_heap({due_ms, h});
}

void scheduler::due(handle h) {
  if (auto to = env_.directory.known(entries_.domains.name(entries_[h].domain))) {
    place(h, std::move(to));
  } else {
    resolve(h);
  }
}

void scheduler::tick() {
  const auto now = now_ms();
  for (std::size_t n = 0; !heap_.empty() && heap_.front().due_ms <= now && n < detail::due_per_tick_max; ++n) {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>{});
    const auto item = heap_.back();
    heap_.pop_back();
    if (item.what & site_bit) {
      if (auto* s = find(spool::site_id{item.what & ~site_bit})) {
        s->wake_planned = false;
        kick(*s);
        drop_if_idle(*s);
      }
      continue;
    }
    const auto& e = entries_[item.what];
    // An item whose entry has moved on is stale.
    if (e.state == entry_state::deferred && e.due_ms == item.due_ms) due(item.what);
  }
  kick_placed();
  auto watched = std::move(watched_);
  watched_.clear();
  for (const auto id : watched) {
    auto* s = find(id);
    if (s == nullptr) continue;
    s->listed = false;
    kick(*s);
    drop_if_idle(*s);
  }
}

// ---- sites ------------------------------------------------------------------------------------------------------

site& scheduler::site_for(const spool::destination_ptr& to) {
  const auto at = site_numbers_.find(to->site_key);
  if (at != site_numbers_.end()) {
    auto& known = *sites_[at->second];
    known.to = to;  // the latest: addresses and hosts may have changed
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
  sites_[number]->provider = with_.rules->providers.find_hosts(to->hosts());
  site_numbers_[to->site_key] = number;
  return *sites_[number];
}

site* scheduler::find(spool::site_id id) {
  return id.value < sites_.size() ? sites_[id.value].get() : nullptr;
}

void scheduler::drop_if_idle(site& s) {
  if (!s.idle() || s.listed || s.placed || s.wake_planned) return;
  if (s.held(env_.time)) return plan_wake(s);  // the next one must not be sent at once, either
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
  e.hot.reset();
  e.state = entry_state::free;
  return entries_.add(std::move(moving));
}

void scheduler::enqueue(handle h, site& at, bool front) {
  if (paused_->contains(entries_[h].account)) return pause(h);
  h = unlinked(h);
  auto& e = entries_[h];
  e.state = entry_state::ready;
  e.at = &at;
  const auto priority = std::min<std::size_t>(policy(e.stream).priority, priorities - 1);
  auto& queue = e.hot ? at.hot[priority] : at.cold[priority];
  if (front) {
    queue.push_front(entries_, h);
  } else {
    queue.push_back(entries_, h);
  }
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
  hot_bytes_ -= weight(*e.hot);
  e.hot.reset();
}

std::size_t scheduler::connections_max(const site& s) const {
  const auto own = with_.connections_per_site_max;
  return s.provider == nullptr ? own : std::min<std::size_t>(own, s.provider->limits.connections.value_or(own));
}

// Whether one more connection is worth it: few busy ones beat many, as long as nobody waits.
bool scheduler::may_open(site& s) {
  const auto ready = s.hot_count();
  if (stopping_ || ready == 0 || s.connections >= connections_max(s)) return false;
  if (s.held(env_.time)) return false;
  if (s.health.state() != shaping::site_state::ready) {
    if (s.connections > 0) return false;
    return s.health.admit(env_.time.wall());
  }
  if (s.connections == 0 || ready > s.connections * detail::backlog_per_connection) return true;
  for (auto& q : s.hot) {
    const auto h = q.front(entries_);
    if (h != no_handle && now_ms() - entries_[h].due_ms > detail::patience_ms) return true;
  }
  return false;
}

void scheduler::kick(site& s) {
  for (auto& q : s.hot)
    q.front(entries_);
  for (auto& q : s.cold)
    q.front(entries_);
  if (s.hot_count() < detail::hot_window) load_some(s);
  if (s.hot_count() == 0 && s.loading == 0) {
    if (s.cold_count() > 0) plan_wake(s);
    return;
  }
  if (!s.listed) {
    s.listed = true;
    watched_.push_back(s.id);
  }
  if (s.hot_count() == 0) return;
  if (s.held(env_.time)) return plan_wake(s);
  if (env_.transport.resume(s.id)) return;
  if (may_open(s)) {
    ++s.connections;
    env_.transport.open(s.id, s.to);
  } else {
    plan_wake(s);
  }
}

void scheduler::plan_wake(site& s) {
  if (s.wake_planned) return;
  const auto now = env_.time.wall();
  auto at = s.held(env_.time) ? s.hold.until : wall_time{};
  if (s.health.state() == shaping::site_state::suspended) at = std::max(at, *s.health.next_ready(now));
  if (at == wall_time{}) return;
  s.wake_planned = true;
  push_heap({at.time_since_epoch().count(), s.id.value | site_bit});
}

// Reads the messages of the next few cold recipients, off the shard.
void scheduler::load_some(site& s) {
  if (s.loading > 0 || s.held(env_.time)) return;
  // Once its time has come, a suspended site needs a message in memory to be probed with.
  if (s.health.state() == shaping::site_state::suspended && s.health.next_ready(env_.time.wall()) > env_.time.wall()) {
    return;
  }
  std::vector<std::pair<message_id, std::vector<handle>>> wanted;
  for (auto& q : s.cold) {
    while (s.loading < detail::load_at_once) {
      const auto h = q.pop_front(entries_);
      if (h == no_handle) break;
      entries_[h].state = entry_state::loading;
      ++s.loading;
      if (wanted.empty() || wanted.back().first != entries_[h].id) wanted.push_back({entries_[h].id, {}});
      wanted.back().second.push_back(h);
    }
  }
  if (wanted.empty()) return;
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
  for (const auto& [id, handles] : wanted) {
    for (const auto h : handles)
      enqueue(h, s, true);
  }
  s.loading = 0;
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
    hot_bytes_ += weight(*m);
    enqueue(h, *s, false);
  }
}

void scheduler::site_reached(spool::site_id id) {
  if (auto* s = find(id)) s->health.succeeded();
}

void scheduler::connection_closed(spool::site_id id) {
  auto* s = find(id);
  if (s == nullptr) return;
  --s->connections;
  if (s->connections == 0 && s->health.state() == shaping::site_state::probing) {
    s->health.probe_abandoned(env_.time.wall());
  }
  kick(*s);
  drop_if_idle(*s);
}

std::optional<spool::lease> scheduler::take(spool::site_id id, std::size_t recipients_max) {
  auto* s = find(id);
  if (s == nullptr || stopping_) return std::nullopt;
  if (s->held(env_.time)) return std::nullopt;
  if (s->provider != nullptr && s->provider->limits.recipients_a_transaction) {
    recipients_max = std::min<std::size_t>(recipients_max, *s->provider->limits.recipients_a_transaction);
  }
  for (auto& q : s->hot) {
    auto h = q.pop_front(entries_);
    if (h == no_handle) continue;
    spool::lease l;
    l.site = id;
    l.message = entries_[h].hot;
    for (;;) {
      auto& e = entries_[h];
      e.state = entry_state::leased;
      l.recipients.push_back(e.index);
      l.entries.push_back(h);
      const auto next = q.front(entries_);
      if (next == no_handle || entries_[next].id != e.id || l.entries.size() >= recipients_max) break;
      h = q.pop_front(entries_);
    }
    s->leased += l.entries.size();
    leased_ += l.entries.size();
    if (s->hot_count() < detail::hot_window / 2) load_some(*s);
    return l;
  }
  return std::nullopt;
}

}  // namespace gonets::scheduler
