#include "webhooks/outbox.h"

#include <algorithm>
#include <utility>

namespace gonets::webhooks {

std::string_view to_text(state s) {
  return s == state::active ? "active" : "paused";
}

std::chrono::milliseconds delay_after(const retry_schedule& by, unsigned attempt, double random) {
  const auto at = std::min<std::size_t>(std::max(attempt, 1u), by.delays.size()) - 1;
  const auto spread = 0.8 + 0.4 * random;
  return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(by.delays[at].count()) * spread));
}

void outbox::take(std::vector<item> wanted, event_seq scanned, std::uint64_t lost, steady_time now) {
  if (pending_.empty() && lost_ == 0 && (!wanted.empty() || lost != 0)) oldest_ = now;
  for (auto& i : wanted) {
    pending_bytes_ += i.json->size();
    pending_.push_back(std::move(i));
  }
  scanned_ = scanned;
  lost_ += lost;
}

std::shared_ptr<const batch> outbox::start(steady_time now) {
  if (in_flight_ || now < next_start()) return nullptr;
  if (!current_) {
    auto made = std::make_shared<batch>();
    std::size_t bytes = 0;
    while (!pending_.empty() && made->items.size() < batch_events_max) {
      const auto size = pending_.front().json->size();
      if (!made->items.empty() && bytes + size > batch_bytes_max) break;
      bytes += size;
      pending_bytes_ -= size;
      made->items.push_back(std::move(pending_.front()));
      pending_.pop_front();
    }
    made->through = pending_.empty() ? scanned_ : made->items.back().seq;
    made->lost = std::exchange(lost_, 0);
    oldest_ = now;  // of what stays: it waited for this one
    current_ = std::move(made);
  }
  current_->attempt = attempts_ + 1;
  in_flight_ = true;
  return current_;
}

steady_time outbox::next_start() const {
  if (in_flight_) return steady_time::max();
  if (current_) return retry_at_;
  if (pending_.empty() && lost_ == 0) return steady_time::max();
  const bool full = pending_.size() >= batch_events_max || pending_bytes_ >= batch_bytes_max;
  return full ? steady_time{} : oldest_ + batch_age_max;
}

bool outbox::answered(verdict v, const retry_schedule& by, double random, steady_time now, wall_time wall) {
  in_flight_ = false;
  if (v == verdict::acknowledged) {
    kept_.cursor = current_->through;
    kept_.failing_since = {};
    attempts_ = 0;
    current_.reset();
    return false;
  }
  ++attempts_;
  if (kept_.failing_since == wall_time{}) kept_.failing_since = wall;
  retry_at_ = now + delay_after(by, attempts_, random);
  return v == verdict::gone || wall - kept_.failing_since >= by.give_up_after;
}

progress outbox::kept() const {
  auto now = kept_;
  if (!current_ && pending_.empty() && lost_ == 0) now.cursor = scanned_;
  return now;
}

void outbox::resume() {
  attempts_ = 0;
  retry_at_ = {};
  kept_.failing_since = {};
}

void outbox::restart(progress from) {
  *this = outbox(from);
}

}  // namespace gonets::webhooks
