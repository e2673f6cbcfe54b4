#include "scheduler/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "scheduler/detail/tuning.h"
#include "scheduler/detail/weight.h"

namespace gonets::scheduler {
scheduler::scheduler(options with, environment env)
    : with_(std::move(with)),
      env_(env),
      flow_(env.time, env.store.pace().latest()),
      wall_ahead_(env_.time.wall() - flow_now()),
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
      suppressed_(env.counts.make_counter("gonets_recipients_ended_total", "Recipients that reached an end.",
                                          {{"how", "suppressed"}})),
      queued_(env.counts.make_gauge("gonets_queue_recipients", "Recipients in the queue.")) {
  recall_account_holds();
}

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
  with_.pace = fresh.pace;
  const auto old = std::exchange(with_.rules, std::move(fresh.rules));  // until no site refers to it
  for (const auto& s : sites_) {
    if (!s) continue;
    learn_of(*s);
    if (s->hold.by_egress) s->hold = {};  // it has another chance
    for (const auto& p : s->paces)
      p->rate.reconfigure(policy_for(*s, p.get()), flow_now());
    kick(*s);
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
    n.domain = env_.directory.name_of(*m, n.as.index);
    n.labels = m->labels;
    note_schedule(n.as, *m);
    if (m->envelope.release_at > env_.time.wall()) {
      keep_until_release(std::move(n), m->envelope.release_at);
      continue;
    }
    n.hot = m;
    if (may_be_suppressed(*m, n.as.index)) {
      n.as.hot = std::move(n.hot);
      hot_bytes_ += detail::weight_of(*m);
      look_up_suppression(add(std::move(n)));
      continue;
    }
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
  n.as.due_ms = due_of(r.record).time_since_epoch().count();
  n.as.state = r.record.phase == spool::recipient_phase::held ? entry_state::held : entry_state::deferred;
  n.domain = env_.directory.name_of(m, r.index);
  n.labels = m.labels;
  n.as.stream = stream_number(m.stream);
  note_schedule(n.as, m);
  if (!n.as.recorded) n.as.due_ms = m.envelope.release_at.time_since_epoch().count();
  const auto owner = std::hash<std::string_view>{}(n.domain) % all_.size();
  env_.shards.post(owner, [to = all_[owner], one = std::move(n)]() mutable {
    const auto due_ms = one.as.due_ms;
    const bool waits = one.as.state == entry_state::deferred;
    const auto h = to->add(std::move(one));
    if (waits) to->defer_until(h, due_ms);
  });
}

handle scheduler::add(newcomer n) {
  n.as.domain = entries_.domains.add(n.domain);
  if (!n.labels.empty()) n.as.labels = entries_.labels.add(n.labels);
  queued_.add(1);
  const auto h = entries_.add(std::move(n.as));
  if (entries_[h].by_notice) watch_notice(h, entries_[h].expires_ms);
  return h;
}

// The hot path: a known destination, on this shard.
void scheduler::dispatch(newcomer n) {
  auto to = env_.directory.known(n.domain);
  if (!to) {
    n.as.state = entry_state::resolving;
    n.as.hot = std::move(n.hot);
    if (n.as.hot) hot_bytes_ += detail::weight_of(*n.as.hot);
    return resolve(add(std::move(n)));
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
  if (n.hot && hot_bytes_ + detail::weight_of(*n.hot) <= with_.hot_bytes_max) {
    hot_bytes_ += detail::weight_of(*n.hot);
    n.as.hot = std::move(n.hot);
  }
  const auto h = add(std::move(n));
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
  if (e.labels != no_labels) moving.labels = entries_.labels.name(e.labels);
  moving.hot = e.hot;
  cool(e);
  moving.as = e;
  moving.as.at = nullptr;
  moving.as.next = moving.as.sibling = no_handle;
  moving.as.labels = no_labels;
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

void scheduler::defer_until(handle h, std::int64_t due_ms) {
  auto& e = entries_[h];
  cool(e);
  e.at = nullptr;
  e.state = entry_state::deferred;
  e.due_ms = due_ms;
  due_.push_back({due_ms, h});
  std::ranges::push_heap(due_, std::greater<>{});
}

void scheduler::due(handle h) {
  if (auto to = env_.directory.known(entries_.domains.name(entries_[h].domain))) {
    place(h, std::move(to));
  } else {
    resolve(h);
  }
}

void scheduler::tick() {
  notice_clock_step();
  const auto now = now_ms();
  for (std::size_t n = 0; !due_.empty() && due_.front().due_ms <= now && n < detail::due_per_tick_max; ++n) {
    std::ranges::pop_heap(due_, std::greater<>{});
    const auto item = due_.back();
    due_.pop_back();
    const auto& e = entries_[item.who];
    // An item whose entry has moved on is stale.
    if (e.state == entry_state::deferred && e.due_ms == item.due_ms) {
      due(item.who);
    } else if (e.by_notice && item.due_ms >= e.expires_ms) {
      tell_of_delay(item.who);
    } else if (!e.by_notice && e.expires_ms != 0 && item.due_ms >= given_up_ms(e) &&
               (e.state == entry_state::ready || e.state == entry_state::paused)) {
      expire(item.who);
    }
  }
  const auto flow = flow_now();
  if (with_.shard == 0 && !env_.warm_ups.empty() && flow - warm_ups_reviewed_ >= detail::warm_ups_reviewed_each) {
    warm_ups_reviewed_ = flow;
    review_warm_ups();
  }
  while (!wakes_.empty() && wakes_.front().at <= flow) {
    std::ranges::pop_heap(wakes_, std::greater<>{});
    const auto item = wakes_.back();
    wakes_.pop_back();
    auto* s = find(item.who);
    if (s == nullptr || s->wake_at != item.at) continue;  // stale, too
    s->wake_at = {};
    kick(*s);
    drop_if_idle(*s);
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

}  // namespace gonets::scheduler
