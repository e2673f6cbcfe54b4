#include "spool/detail/committer.h"

#include <array>

#include "base/log.h"
#include "base/thread_name.h"
#include "base/wire.h"

namespace gonets::spool::detail {
namespace {

using storage::family;

// Above this many promises in one group there is load, and a short wait lets more sessions share the next sync.
constexpr std::size_t group_under_load = 4;
constexpr int gap_while_signing = 10;  // times the usual one, at most
constexpr std::chrono::milliseconds retry_after_failure{500};
// How long settled recipients may stay unsynced when nothing else asks for a sync, while others settle or none does:
// bounds what a power cut repeats.
constexpr std::chrono::milliseconds sync_within{20};
constexpr std::uint8_t history_version = 1;

// history := version:u8 kind:u8 count:varint index:varint*; `accepted` has the count alone.
void encode_history(const events::event& e, std::string& to) {
  to.push_back(static_cast<char>(history_version));
  to.push_back(static_cast<char>(e.kind));
  wire::put_varint(to, e.recipients.size());
  if (e.kind == events::kind::accepted) return;
  for (const auto& r : e.recipients)
    wire::put_varint(to, r.index.value);
}

}  // namespace

void live_messages::add(message_id id, entry e) {
  const std::lock_guard lock(mutex_);
  entries_[id] = e;
}

live_messages::entry live_messages::take(message_id id, std::uint16_t ended, bool recorded, std::uint16_t total) {
  if (total == 1) return {static_cast<std::uint16_t>(1 - ended), recorded};
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(id);
  if (at == entries_.end()) return {0, true};
  at->second.remaining = static_cast<std::uint16_t>(at->second.remaining - std::min(ended, at->second.remaining));
  at->second.recorded |= recorded;
  const auto now = at->second;
  if (now.remaining == 0) entries_.erase(at);
  return now;
}

// One batch being built, and what must be undone if it fails.
struct committer::group {
  explicit group(storage::batch& b) : batch(b) { batch.clear(); }
  storage::batch& batch;
  bool sync = false;
  std::size_t promises = 0;
  std::uint64_t first_seq = 0;
};

committer::committer(storage::store& store, runtime::shards& on, const clock& time, std::chrono::microseconds gap,
                     event_seq last, quota_ledger& quotas, pace_ledger& pace, suppression::list& suppressed,
                     metrics::registry& counts)
    : store_(store),
      shards_(on),
      time_(time),
      gap_(gap),
      quotas_(quotas),
      pace_(pace),
      suppressed_(suppressed),
      next_seq_(last.value + 1),
      published_(last.value),
      safe_events_(last),
      commits_(counts.make_counter("gonets_spool_commits_total", "Synced batches written to the spool.")),
      synced_messages_(counts.make_counter("gonets_spool_messages_total", "Messages made safe.")),
      failures_(counts.make_counter("gonets_spool_failures_total", "Batches that the disk refused.")),
      sync_seconds_(counts.make_histogram("gonets_spool_commit_seconds", "Time to write and sync one batch.",
                                          {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2})) {
  thread_ = std::thread([this] {
    name_this_thread("committer");
    run();
  });
}

committer::~committer() {
  drain();
}

void committer::drain() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void committer::submit(request r) {
  if (std::holds_alternative<pending_change>(r)) unwritten_.fetch_add(1, std::memory_order_relaxed);
  bool notify;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(r));
    notify = waits_ == waiting_for::requests ||
             (waits_ == waiting_for::signatures && coming_.load(std::memory_order_relaxed) < group_under_load);
    if (notify) waits_ = waiting_for::nothing;
  }
  if (notify) wake_.notify_one();
}

void committer::gather(std::vector<request>& taken) {
  std::unique_lock lock(mutex_);
  if (queue_.empty() && !stopping_) {
    waits_ = waiting_for::requests;
    const auto ready = [this] { return !queue_.empty() || stopping_; };
    if (failing()) {
      wake_.wait_for(lock, retry_after_failure, ready);
    } else if (dirty_) {
      wake_.wait_for(lock, dirty_since_ + sync_within - time_.steady(), ready);
    } else {
      wake_.wait(lock, ready);
    }
    waits_ = waiting_for::nothing;
  }
  if (gap_.count() > 0 && !stopping_) {
    if (coming_.load(std::memory_order_relaxed) >= group_under_load) {
      // What is being signed comes one by one. While more of it comes than the threads have under way, the signatures
      // are what everybody waits for, and syncs for one message each would only take from the time for them.
      waits_ = waiting_for::signatures;
      wake_.wait_for(lock, gap_while_signing * gap_, [this] { return waits_ == waiting_for::nothing || stopping_; });
      waits_ = waiting_for::nothing;
    } else if (last_group_ >= group_under_load) {
      lock.unlock();
      std::this_thread::sleep_for(gap_);
      lock.lock();
    }
  }
  taken.swap(queue_);
}

void committer::run() {
  std::vector<request> taken;
  for (;;) {
    gather(taken);
    const bool last_round = taken.empty() && [this] {
      const std::lock_guard lock(mutex_);
      return stopping_;
    }();
    if (failing() && !try_to_recover()) {
      keep_changes(taken);
      complete(taken, health());
    } else if (!taken.empty()) {
      write_group(taken);
    } else if (dirty_) {
      sync_when_idle();
    }
    taken.clear();
    if (last_round) break;
  }
  if (!owed_.empty())
    GONETS_LOG(error, "spool_changes_lost", "changes", owed_.size(), "effect", "sent again after start");
}

void committer::keep_changes(std::vector<request>& taken) {
  for (auto& r : taken) {
    if (std::holds_alternative<pending_change>(r)) owed_.push_back(std::move(r));
  }
  std::erase_if(taken, [](const request& r) { return std::holds_alternative<pending_change>(r); });
}

void committer::sync_when_idle() {
  std::vector<request> none;
  group g(batch_);
  g.first_seq = next_seq_;
  if (auto synced = store_.sync(); !synced) return fail(none, g, synced.error());
  dirty_ = false;
  safe_events_.advance(event_seq{next_seq_ - 1});
}

void committer::put_message(const queued_message& m, storage::batch& to) {
  key_.clear();
  wire::put_be64(key_, m.id.value);
  value_.clear();
  encode_message(m, value_);
  to.put(family::messages, key_, value_);
  if (m.in_memory) {
    wire::put_be32(key_, 0);
    const std::array<std::string_view, 2> parts = {m.head, m.body};
    to.put(family::bodies, key_, parts);
  }
}

// What is removed by remove_once() must not be put twice, not even with a removal in between.
bool committer::is_stored(message_id id) const {
  const auto found = store_.get(family::messages, message_key(id));
  return found && found->has_value();
}

void committer::put_event(events::event& e, group& g) {
  e.seq = event_seq{next_seq_++};
  key_.clear();
  wire::put_be64(key_, e.seq.value);
  value_.clear();
  encode(e, value_);
  g.batch.put(family::events, key_, value_);
  if (e.message == message_id{}) return;
  key_.clear();
  wire::put_be64(key_, e.message.value);
  wire::put_be64(key_, e.seq.value);
  value_.clear();
  encode_history(e, value_);
  g.batch.put(family::history, key_, value_);
}

// Whether it fits in its account's quotas; then it is counted.
bool committer::charge(pending_acceptance& p) {
  const auto& a = p.what;
  if (!a.quotas) return true;
  p.charged_at = time_.wall();
  p.over_quota = !quotas_.debit(a.message->account, a.message->stream, *a.quotas, charge_of(*a.message), p.charged_at);
  return !p.over_quota;
}

void committer::add(pending_acceptance& p, group& g) {
  auto& a = p.what;
  const auto& m = *a.message;
  if (!charge(p)) {
    chunk_discard parts{m.id, a.chunks_written};
    if (a.chunks_written > 0) add(parts, g);
    return;
  }
  put_message(m, g.batch);
  if (a.chunks_written > 0) {
    g.batch.put(family::bodies, body_key(m.id, 0), a.first_chunk);
    g.batch.remove(family::meta, "c" + message_key(m.id));
  }
  put_event(a.event, g);
  const auto total = static_cast<std::uint16_t>(m.envelope.recipients.size());
  if (total > 1) live_.add(m.id, {total, false});
  g.sync = true;
  ++g.promises;
}

void committer::add(pending_change& p, group& g) {
  auto& c = p.what;
  std::uint16_t ended = 0;
  for (const auto& r : c.recipients)
    ended += r.record.phase == recipient_phase::ended ? 1 : 0;
  const bool records = c.recorded || ended < c.recipients.size() || c.recipients_total > 1;
  if (!p.left) p.left = live_.take(c.id, ended, records, c.recipients_total);
  const auto left = *p.left;
  if (left.remaining == 0) {
    g.batch.remove_once(family::messages, message_key(c.id));
    for (std::uint32_t n = 0; n < c.chunks; ++n)
      g.batch.remove_once(family::bodies, body_key(c.id, n));
    for (std::uint16_t n = 0; left.recorded && n < c.recipients_total; ++n) {
      g.batch.remove(family::recipients, recipient_key(c.id, recipient_index{n}));
    }
  } else {
    for (const auto& r : c.recipients) {
      value_.clear();
      encode_recipient(r.record, value_);
      g.batch.put(family::recipients, recipient_key(c.id, r.index), value_);
    }
  }
  for (auto& e : c.events)
    put_event(e, g);
  for (std::size_t i = 0; i < c.reports.size(); ++i) {
    if (!p.again || !is_stored(c.reports[i]->id)) put_message(*c.reports[i], g.batch);
    put_event(c.report_events[i], g);
  }
  // A settle need not be synced by itself: until it is, a crash causes one repetition, which a crash a moment earlier
  // would have caused as well. A report is a message that nobody else holds.
  if (!c.reports.empty() || !c.facts.empty() || (!c.suppressions.empty() && c.done)) g.sync = true;
  pace_.put(c.facts, time_.wall(), g.batch);
  suppressed_.put(c.suppressions, g.batch);
  suppressed_.put(c.soft_bounces, store_, g.batch);
}

void committer::add(chunk_write& c, group& g) {
  // So that load() finds the parts of a message that was never completed.
  if (c.number == 1) g.batch.put(family::meta, "c" + message_key(c.id), std::string_view());
  g.batch.put(family::bodies, body_key(c.id, c.number), c.part);
}

void committer::add(chunk_discard& c, group& g) {
  for (std::uint32_t n = 1; n <= c.count; ++n)
    g.batch.remove_once(family::bodies, body_key(c.id, n));
  g.batch.remove(family::meta, "c" + message_key(c.id));
}

void committer::add(trim& t, group& g) {
  (void)g;
  if (auto written = store_.write(t.writes, storage::durability::buffered); !written) {
    GONETS_LOG(warning, "trim_failed", "error", written.error().detail);
  }
}

void committer::write_group(std::vector<request>& taken) {
  group g(batch_);
  g.first_seq = next_seq_;
  suppressed_.begin_batch();
  for (auto& r : taken) {
    std::visit([&](auto& one) { add(one, g); }, r);
  }
  quotas_.put_changes(g.batch);
  last_group_ = g.promises;
  if (g.batch.empty()) return complete(taken, commit_status::ok);
  const auto began = time_.steady();
  if (dirty_ && began - dirty_since_ >= sync_within) g.sync = true;
  auto written = store_.write(g.batch, g.sync ? storage::durability::synced : storage::durability::buffered);
  if (!written) return fail(taken, g, written.error());
  if (!dirty_) dirty_since_ = began;
  dirty_ = !g.sync;
  sync_seconds_.observe(std::chrono::duration<double>(time_.steady() - began).count());
  commits_.add();
  synced_messages_.add(g.promises);
  published_.store(next_seq_ - 1, std::memory_order_release);
  if (g.sync) safe_events_.advance(event_seq{next_seq_ - 1});
  complete(taken, commit_status::ok);
}

// Completions are posted once a shard: waking a thread costs more than all else that a completion does.
void committer::complete(std::vector<request>& taken, commit_status status) {
  struct finished {
    on_commit done;
    commit_status status;
  };
  std::vector<std::vector<finished>> by_shard(shards_.size());
  std::size_t written = 0;  // changes: those that the disk refused are kept, and not here
  const auto finish = [&](auto& one, commit_status how) {
    if (one.done) by_shard[one.shard].push_back({std::move(one.done), how});
  };
  for (auto& r : taken) {
    if (auto* a = std::get_if<pending_acceptance>(&r))
      finish(a->what, a->over_quota ? commit_status::over_quota : status);
    if (auto* c = std::get_if<pending_change>(&r)) {
      ++written;
      finish(c->what, status);
    }
    if (auto* w = std::get_if<chunk_write>(&r)) finish(*w, status);
  }
  unwritten_.fetch_sub(written, std::memory_order_relaxed);
  for (std::size_t shard = 0; shard < by_shard.size(); ++shard) {
    if (by_shard[shard].empty()) continue;
    shards_.post(shard, [all = std::move(by_shard[shard])]() mutable {
      for (auto& one : all)
        one.done(one.status);
    });
  }
}

// Nobody was told "ok" for anything in this batch, yet some of it may be on disk. What was to be accepted is taken
// back; changes of recipients stay owed, and their events get the same numbers again.
void committer::fail(std::vector<request>& taken, group& g, const storage::error& why) {
  failures_.add();
  GONETS_LOG(error, "spool_write_failed", "error", why.detail, "requests", taken.size());
  for (auto& r : taken) {
    auto* p = std::get_if<pending_acceptance>(&r);
    if (p == nullptr || p->over_quota) continue;
    const auto& m = *p->what.message;
    if (p->what.quotas) quotas_.take_back(m.account, m.stream, charge_of(m), p->charged_at, undo_);
    undo_.remove(family::messages, message_key(m.id));
    for (std::uint32_t n = 0; n < m.chunks; ++n)
      undo_.remove(family::bodies, body_key(m.id, n));
    live_.take(m.id, static_cast<std::uint16_t>(m.envelope.recipients.size()), false,
               static_cast<std::uint16_t>(m.envelope.recipients.size()));
    undo_.remove(family::history, history_key(m.id, p->what.event.seq));
  }
  for (auto& r : taken) {
    auto* p = std::get_if<pending_change>(&r);
    if (p == nullptr) continue;
    const auto* c = &p->what;
    for (const auto& e : c->events)
      undo_.remove(family::history, history_key(e.message, e.seq));
    for (const auto& e : c->report_events)
      undo_.remove(family::history, history_key(e.message, e.seq));
    p->again = true;
  }
  for (auto seq = g.first_seq; seq < next_seq_; ++seq)
    undo_.remove(family::events, event_key(event_seq{seq}));
  next_seq_ = g.first_seq;
  keep_changes(taken);
  health_.store(why.what == storage::failure::no_space ? commit_status::no_space : commit_status::failed,
                std::memory_order_relaxed);
  complete(taken, health());
}

bool committer::try_to_recover() {
  if (time_.steady() < next_recovery_) return false;
  next_recovery_ = time_.steady() + retry_after_failure;
  if (auto recovered = store_.recover(); !recovered) return false;
  if (!undo_.empty()) {
    if (auto undone = store_.write(undo_, storage::durability::synced); !undone) return false;
    undo_.clear();
  }
  health_.store(commit_status::ok, std::memory_order_relaxed);
  GONETS_LOG(info, "spool_recovered", "owed", owed_.size());
  auto owed = std::move(owed_);
  owed_.clear();
  if (!owed.empty()) write_group(owed);
  return !failing();
}

}  // namespace gonets::spool::detail
