// What one webhook has yet to be sent, and when: the events in their order, in batches, each acknowledged before the
// next goes out. Pure: time comes in by parameter, and who asks does the sending. docs/webhooks.md says what a receiver
// sees of it.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "webhooks/model.h"

namespace gonets::webhooks {

struct retry_schedule {
  std::vector<std::chrono::milliseconds> delays{std::chrono::seconds(5)};  // the last one repeats; not empty
  std::chrono::milliseconds give_up_after = std::chrono::hours(72);
};
// After the `attempt`th failure in a row (from 1): up to a fifth more or less, as `random` in [0, 1) has it, so that
// the webhooks that one receiver failed do not all come back at once.
std::chrono::milliseconds delay_after(const retry_schedule& by, unsigned attempt, double random);

inline constexpr std::size_t batch_events_max = 500;
inline constexpr std::size_t batch_bytes_max = 1'048'576;       // one event alone may be larger
inline constexpr std::chrono::milliseconds batch_age_max{200};  // a smaller batch waits for more as long

struct item {
  event_seq seq;
  std::shared_ptr<const std::string> json;  // shared by all webhooks that want it
};

struct batch {
  std::vector<item> items;
  event_seq through;       // the cursor once it is acknowledged
  std::uint64_t lost = 0;  // events in front of it that the retention took
  unsigned attempt = 1;
};

class outbox {
 public:
  explicit outbox(progress at) : kept_(at), scanned_(at.cursor) {}

  // The log was looked through up to here, and what was wanted of it taken in.
  event_seq scanned() const { return scanned_; }
  bool has_room() const { return pending_.size() < batch_events_max; }
  // `wanted` are those of the events up to `scanned` that the webhook wants; `lost` of them were gone.
  void take(std::vector<item> wanted, event_seq scanned, std::uint64_t lost, steady_time now);

  // The batch to be sent now; null: none. It stays the same, but for `attempt`, until it is acknowledged.
  std::shared_ptr<const batch> start(steady_time now);
  steady_time next_start() const;  // when to ask again; steady_time::max(): after a take() or an answer

  enum class verdict : std::uint8_t { acknowledged, failed, gone };
  // Of the batch that start() gave. True: it is given up, and the webhook to be paused.
  bool answered(verdict v, const retry_schedule& by, double random, steady_time now, wall_time wall);

  // False: it was restarted since, and the answer no longer counts.
  bool is_under_way(const std::shared_ptr<const batch>& b) const { return in_flight_ && current_ == b; }
  bool in_flight() const { return in_flight_; }
  unsigned attempts() const { return attempts_; }  // that failed in a row
  std::size_t pending() const { return pending_.size() + (current_ ? current_->items.size() : 0); }
  // What is to be kept: it moves on with what is acknowledged, and past what nobody wants.
  progress kept() const;

  void resume();                // forgets the failures: the next attempt is now
  void restart(progress from);  // forgets all that was taken in
 private:
  progress kept_;
  event_seq scanned_;
  std::deque<item> pending_;
  std::size_t pending_bytes_ = 0;
  std::uint64_t lost_ = 0;
  steady_time oldest_{};  // when the first of `pending_` came
  std::shared_ptr<batch> current_;
  bool in_flight_ = false;
  unsigned attempts_ = 0;
  steady_time retry_at_{};
};

}  // namespace gonets::webhooks
