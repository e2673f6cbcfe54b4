#include "events/log_end.h"

#include <utility>

namespace gonets::events {

void log_end::advance(event_seq to) {
  if (to.value == at_.load(std::memory_order_relaxed)) return;
  at_.store(to.value, std::memory_order_release);
  const std::lock_guard lock(mutex_);
  for (const auto& [id, tell] : listeners_)
    tell();
}

std::uint64_t log_end::subscribe(listener tell) {
  const std::lock_guard lock(mutex_);
  listeners_.emplace(++last_id_, std::move(tell));
  return last_id_;
}

void log_end::unsubscribe(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  listeners_.erase(id);
}

}  // namespace gonets::events
