#include "events/follower.h"

#include <algorithm>

#include "base/wire.h"
#include "events/detail/keys.h"

namespace gonets::events {

storage::result<log_batch> read_batch(const storage::store& store, event_seq end, event_seq after, std::size_t max) {
  log_batch found;
  found.log_replaced = after > end;
  if (found.log_replaced) after = event_seq{0};
  found.cursor = after;
  if (after == end) return found;
  std::uint64_t read = after.value;
  std::size_t looked_at = 0;
  auto scanned = store.scan(storage::family::events, detail::key_of(after.value + 1), detail::key_of(end.value + 1),
                            [&](std::string_view key, std::string_view value) {
                              read = wire::reader(key).be64();
                              if (auto e = decode(event_seq{read}, value)) found.events.push_back(std::move(*e));
                              return ++looked_at < max;
                            });
  if (!scanned) return std::unexpected(scanned.error());
  // The log is dense: behind its last entry there is nothing to lose, before it every number has one.
  if (looked_at < max) read = end.value;
  found.cursor = event_seq{read};
  found.lost = found.log_replaced ? 0 : read - after.value - found.events.size();
  return found;
}

follower::follower(const storage::store& store, log_end& end, event_seq after)
    : store_(store), end_(end), cursor_(after), subscription_(end.subscribe([this] { wake(); })) {}

follower::~follower() {
  end_.unsubscribe(subscription_);
}

storage::result<log_batch> follower::next(std::size_t max) {
  auto found = read_batch(store_, end_.now(), cursor_, max);
  if (found) cursor_ = found->cursor;
  return found;
}

void follower::wait(std::chrono::milliseconds max) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, max, [this] { return woken_ || end_.now() > cursor_; });
  woken_ = false;
}

void follower::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

}  // namespace gonets::events
