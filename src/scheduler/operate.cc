// What operators ask: counts, lists, hold and release.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "scheduler/scheduler.h"

namespace gonets::scheduler {

totals scheduler::count() const {
  totals t;
  for (handle h = 0; h < entries_.slots(); ++h) {
    switch (entries_[h].state) {
      case entry_state::free:
        break;
      case entry_state::resolving:
        ++t.resolving;
        break;
      case entry_state::ready:
      case entry_state::loading:
        ++t.ready;
        break;
      case entry_state::leased:
        ++t.sending;
        break;
      case entry_state::deferred:
        ++t.deferred;
        break;
      case entry_state::held:
      case entry_state::paused:
        ++t.held;
        break;
    }
  }
  return t;
}

void queued_counts::add(const entry& e) {
  ready += e.state == entry_state::ready || e.state == entry_state::loading || e.state == entry_state::resolving;
  sending += e.state == entry_state::leased;
  deferred += e.state == entry_state::deferred;
  held += e.state == entry_state::held || e.state == entry_state::paused;
  const auto accepted = accepted_at_ms(e.id);
  if (oldest_ms == 0 || accepted < oldest_ms) oldest_ms = accepted;
}

std::vector<site_line> scheduler::lines(std::size_t max) const {
  std::unordered_map<std::string, site_line> by_site;
  for (handle h = 0; h < entries_.slots(); ++h) {
    const auto& e = entries_[h];
    if (e.state == entry_state::free) continue;
    const auto name =
        e.at != nullptr ? e.at->to->site_key : std::string(spool::without_mark(entries_.domains.name(e.domain)));
    auto& line = by_site[name];
    line.site = name;
    if (e.at != nullptr) {
      line.state = shaping::to_text(e.at->health.state());
      line.reason = e.at->health.reason();
      if (e.at->held(flow_now())) {
        line.state = "held";
        line.reason = e.at->hold.why;
      }
      line.connections = e.at->connections;
    }
    line.add(e);
    if (e.state == entry_state::deferred && (line.next_attempt_ms == 0 || e.due_ms < line.next_attempt_ms)) {
      line.next_attempt_ms = e.due_ms;
    }
  }
  std::vector<site_line> all;
  for (auto& [name, line] : by_site)
    all.push_back(std::move(line));
  const auto size = [](const site_line& l) { return l.ready + l.sending + l.deferred + l.held; };
  std::ranges::sort(
      all, [&](const auto& a, const auto& b) { return size(a) != size(b) ? size(a) > size(b) : a.site < b.site; });
  if (all.size() > max) all.resize(max);
  return all;
}

bool scheduler::matches(const entry& e, const selector& which, std::int64_t) const {
  if (e.state == entry_state::free) return false;
  if (which.id && e.id != *which.id) return false;
  if (which.account && e.account != *which.account) return false;
  if (which.state) {
    const auto shown = e.state == entry_state::loading ? entry_state::ready : e.state;
    if (shown != *which.state) return false;
  }
  if (which.accepted_before_ms != 0 && accepted_at_ms(e.id) >= which.accepted_before_ms) return false;
  if (!which.domain.empty() && spool::without_mark(entries_.domains.name(e.domain)) != which.domain) return false;
  if (!which.only.empty() && std::ranges::find(which.only, std::pair(e.id, e.index)) == which.only.end()) return false;
  return true;
}

entry_view scheduler::view_of(handle h) const {
  const auto& e = entries_[h];
  entry_view v;
  v.id = e.id;
  v.index = e.index;
  v.account = e.account;
  v.state = e.state == entry_state::loading ? entry_state::ready : e.state;
  v.due_ms = e.state == entry_state::deferred ? e.due_ms : 0;
  v.attempts = e.attempts;
  v.domain = spool::without_mark(entries_.domains.name(e.domain));
  if (e.at != nullptr) v.site = e.at->to->site_key;
  if (e.state == entry_state::paused) v.why_paused = why_paused(e);
  return v;
}

selection scheduler::select(const selector& which, std::size_t max) const {
  selection found;
  const auto add = [&](handle h) {
    if (!matches(entries_[h], which, now_ms())) return;
    ++found.matching;
    if (found.rows.size() < max) found.rows.push_back(view_of(h));
  };
  if (which.id) {
    for (auto h = entries_.find(*which.id); h != no_handle; h = entries_[h].sibling)
      add(h);
  } else {
    for (handle h = 0; h < entries_.slots(); ++h)
      add(h);
  }
  return found;
}

std::size_t scheduler::act(const selector& which, action what, const std::string& reason) {
  std::vector<handle> chosen;
  for (handle h = 0; h < entries_.slots(); ++h) {
    if (matches(entries_[h], which, now_ms())) chosen.push_back(h);
  }
  std::size_t done = 0;
  for (const auto h : chosen) {
    const auto state = entries_[h].state;
    switch (what) {
      case action::retry:
        if (state != entry_state::deferred && state != entry_state::ready) continue;
        if (state == entry_state::deferred && held_by_sender(entries_[h])) {
          release(h, reason);
        } else {
          retry(h);
        }
        break;
      case action::hold:
        if (state == entry_state::held) continue;
        hold(h, reason);
        break;
      case action::release:
        if (state != entry_state::held && !entries_[h].hold_wanted) continue;
        release(h, reason);
        break;
      case action::remove:
        remove(h, reason);
        break;
    }
    ++done;
  }
  kick_placed();
  return done;
}

site* scheduler::site_of(const std::string& domain) {
  const auto to = env_.directory.known(domain);
  const auto found = to ? site_numbers_.find(to->site_key) : site_numbers_.end();
  return found == site_numbers_.end() ? nullptr : sites_[found->second].get();
}

void scheduler::retry(handle h) {
  auto& e = entries_[h];
  if (e.state == entry_state::deferred) {
    if (auto* s = site_of(entries_.domains.name(e.domain))) lift_hold(*s);
    return due(h);
  }
  // Behind a suspended site, or one that a rule holds: an operator's word counts as a sign that it may be sent to
  // again.
  e.at->health.succeeded();
  lift_hold(*e.at);
  kick(*e.at);
}

void scheduler::record_phase(const entry& e, spool::recipient_record record, events::kind kind,
                             const std::string& reason) {
  spool::change c;
  c.id = e.id;
  c.recipients_total = e.recipients_total;
  c.recorded = e.recorded;
  c.shard = with_.shard;
  record.attempts = e.attempts;
  record.delay_reported = e.delay_reported;
  c.recipients.push_back({e.index, std::move(record)});
  events::event happened;
  happened.kind = kind;
  happened.at = env_.time.wall();
  happened.message = e.id;
  happened.account = e.account;
  happened.stream = policy(e.stream).name;
  happened.recipients.push_back({e.index, fmt::format("@{}", spool::without_mark(entries_.domains.name(e.domain)))});
  happened.reason = reason;
  c.events.push_back(std::move(happened));
  env_.store.settle(std::move(c));
}

void scheduler::hold(handle h, const std::string& reason) {
  auto& e = entries_[h];
  if (e.state == entry_state::leased) {
    e.hold_wanted = true;  // if the attempt under way does not end it
    return;
  }
  spool::recipient_record record;
  record.phase = spool::recipient_phase::held;
  record.hold_reason = reason;
  if (held_by_sender(e)) record.due = wall_time(std::chrono::milliseconds(e.due_ms));
  record_phase(e, std::move(record), events::kind::held, reason);
  e.recorded = true;
  e.state = entry_state::held;
  e.at = nullptr;
  cool(e);
}

// Nothing is written: the account's state or a standing hold says it, after a restart, too.
void scheduler::pause(handle h) {
  auto& e = entries_[h];
  e.state = entry_state::paused;
  e.at = nullptr;
  cool(e);
}

void scheduler::pause_accounts(std::shared_ptr<const account_reasons> which) {
  paused_ = std::move(which);
  review_pauses();
}

std::uint32_t scheduler::weight_of(account_id account) const {
  if (weights_->empty()) return 1;
  const auto at = weights_->find(account);
  return at == weights_->end() ? 1 : at->second;
}

void scheduler::weigh_accounts(std::shared_ptr<const account_weights> which) {
  weights_ = std::move(which);
  for (const auto& s : sites_)
    if (s) s->queue.weigh([this](account_id who) { return weight_of(who); });
}

void scheduler::release(handle h, const std::string& reason) {
  auto& e = entries_[h];
  if (e.state == entry_state::leased) {
    e.hold_wanted = false;
    return;
  }
  // An operator's hold ends; that of its sender, if there is one, goes on.
  const bool goes_on = e.state == entry_state::held && held_by_sender(e);
  const auto at = goes_on ? wall_time(std::chrono::milliseconds(e.due_ms)) : env_.time.wall();
  spool::recipient_record record;
  record.due = at;
  record_phase(e, std::move(record), events::kind::released, reason);
  e.recorded = true;
  if (goes_on) return defer_until(h, at.time_since_epoch().count());
  due(h);
}

void scheduler::remove(handle h, const std::string& reason) {
  auto& e = entries_[h];
  // While others hold its handle it can't go; it does as soon as they are done.
  if (e.state == entry_state::leased || e.state == entry_state::resolving || e.state == entry_state::loading) {
    e.remove_wanted = true;
    return;
  }
  smtp::recipient_outcome none;
  end_entry(h, events::kind::cancelled, none, reason);
}

}  // namespace gonets::scheduler
