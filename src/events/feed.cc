#include "events/feed.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "events/follower.h"

namespace gonets::events {
namespace {

constexpr std::size_t batch_max = 500;
constexpr std::size_t looked_at_max = 20'000;  // by one read: a filter that wants little holds no thread for long

}  // namespace

storage::result<page> read_page(const storage::store& store, event_seq end, const page_request& wanted) {
  page found;
  found.next = wanted.after;
  for (std::size_t looked_at = 0; looked_at < looked_at_max && found.next != end; looked_at += batch_max) {
    auto batch = read_batch(store, end, found.next, batch_max);
    if (!batch) return std::unexpected(std::move(batch.error()));
    found.log_replaced |= batch->log_replaced;
    std::uint64_t seen = 0;
    for (auto& e : batch->events) {
      ++seen;
      if (!wanted.which.wants(e)) continue;
      const auto seq = e.seq;
      found.events.push_back(std::move(e));
      if (found.events.size() < wanted.max) continue;
      // What lies behind it is read again, and counted then.
      if (!batch->log_replaced) found.lost += seq.value - found.next.value - seen;
      found.next = seq;
      return found;
    }
    found.lost += batch->lost;
    found.next = batch->cursor;
  }
  return found;
}

bool feed::read(page_request wanted, steady_time now, handler done) {
  auto one = std::make_shared<waiter>(waiter{std::move(wanted), std::move(done)});
  return pool_.run([this, one, now] { look(std::move(*one), now); });
}

void feed::look(waiter one, steady_time now) {
  const auto end = end_.now();
  auto found = read_page(store_, end, one.wanted);
  if (!found || !found->empty() || one.wanted.until <= now || found->next != end) return one.done(std::move(found));
  one.wanted.after = found->next;
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(one));
}

void feed::tick(steady_time now) {
  std::vector<waiter> over;
  {
    const std::lock_guard lock(mutex_);
    const auto kept = std::ranges::partition(waiting_, [&](const waiter& w) { return w.wanted.until > now; });
    over.assign(std::move_iterator(kept.begin()), std::move_iterator(kept.end()));
    waiting_.erase(kept.begin(), kept.end());
    const bool news = std::ranges::any_of(waiting_, [&](const waiter& w) { return w.wanted.after != end_.now(); });
    if (news && !waking_) waking_ = pool_.run([this] { wake_all(); });
  }
  for (auto& w : over) {
    page nothing;
    nothing.next = w.wanted.after;
    w.done(std::move(nothing));
  }
}

void feed::wake_all() {
  std::vector<waiter> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(waiting_);
  }
  auto from = end_.now();
  for (const auto& w : all)
    from = std::min(from, w.wanted.after);
  if (!serve(all, from)) {
    for (auto& w : all) {
      auto found = read_page(store_, end_.now(), w.wanted);
      w.done(std::move(found));
    }
    all.clear();
  }
  const std::lock_guard lock(mutex_);
  waiting_.insert(waiting_.end(), std::move_iterator(all.begin()), std::move_iterator(all.end()));
  waking_ = false;
}

bool feed::serve(std::vector<waiter>& all, event_seq from) {
  for (std::size_t looked_at = 0; looked_at < looked_at_max && !all.empty(); looked_at += batch_max) {
    const auto batch = read_batch(store_, end_.now(), from, batch_max);
    if (!batch || batch->lost != 0 || batch->log_replaced) return false;
    give(all, batch->events, batch->cursor);
    if (batch->events.size() < batch_max) return true;
    from = batch->cursor;
  }
  return true;
}

void feed::give(std::vector<waiter>& all, const std::vector<event>& events, event_seq cursor) {
  std::vector<waiter> left;
  for (auto& w : all) {
    page found;
    found.next = std::max(cursor, w.wanted.after);
    for (const auto& e : events) {
      if (e.seq <= w.wanted.after || !w.wanted.which.wants(e)) continue;
      found.events.push_back(e);
      if (found.events.size() < w.wanted.max) continue;
      found.next = e.seq;
      break;
    }
    if (!found.events.empty()) {
      w.done(std::move(found));
    } else {
      w.wanted.after = found.next;
      left.push_back(std::move(w));
    }
  }
  all = std::move(left);
}

}  // namespace gonets::events
