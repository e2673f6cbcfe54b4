// Follows the event log: batch after batch behind a cursor that is its owner's to keep. next() reads the disk, and only
// when there is something new; both it and wait() block: for a thread of the owner's, never for a shard. One thread
// uses it; wake() may be called by any.
//
//   follower log(store, end, cursor);
//   while (!stopping) {
//     auto batch = log.next(1000);
//     if (batch && !batch->empty()) { use(*batch); keep(batch->cursor); } else log.wait(1s);
//   }
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "events/event.h"
#include "events/log_end.h"
#include "storage/store.h"

namespace gonets::events {

struct log_batch {
  std::vector<event> events;  // in order, none beyond the log's end
  event_seq cursor;           // of all that was looked at: where to go on
  // Numbers that were passed over without an event: gone with the retention before they were read, or unreadable.
  std::uint64_t lost = 0;
  // The cursor lay beyond the log, which is then another one than it was given by: reading begins anew with its oldest.
  bool log_replaced = false;
  bool empty() const { return events.empty() && lost == 0 && !log_replaced; }
};

// At most `max` events behind `after`, up to `end`; without the disk when there is nothing new. Blocks.
storage::result<log_batch> read_batch(const storage::store& store, event_seq end, event_seq after, std::size_t max);

class follower {
 public:
  // Both must outlive it.
  follower(const storage::store& store, log_end& end, event_seq after);
  ~follower();
  follower(const follower&) = delete;
  follower& operator=(const follower&) = delete;

  // Moves the cursor on; after an error it stands where it was.
  storage::result<log_batch> next(std::size_t max);
  // Until there is something behind the cursor, wake(), or `max`. Returns at once when either happened since the last
  // wait().
  void wait(std::chrono::milliseconds max);
  void wake();
  event_seq cursor() const { return cursor_; }
  void move_to(event_seq cursor) { cursor_ = cursor; }

 private:
  const storage::store& store_;
  log_end& end_;
  event_seq cursor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  std::uint64_t subscription_;
};

}  // namespace gonets::events
