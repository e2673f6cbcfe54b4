// Pages of the event log for readers that come and go: at once where there is something behind their cursor, else as
// soon as there is, or when their time is up. Who waits costs no thread, and one reading of the log's new end serves
// all of them. Safe from any thread; must outlive what it runs on the pool.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "events/event.h"
#include "events/filter.h"
#include "events/log_end.h"
#include "runtime/executor.h"
#include "storage/store.h"

namespace gonets::events {

struct page_request {
  event_seq after;
  std::size_t max = 100;
  filter which;
  steady_time until{};  // when to answer with nothing
};

struct page {
  std::vector<event> events;
  event_seq next;             // where to go on; may have moved where there are no events: none was wanted so far
  std::uint64_t lost = 0;     // as of log_batch
  bool log_replaced = false;  // as of log_batch
  bool empty() const { return events.empty() && lost == 0 && !log_replaced; }
};

// Without waiting; looks at a bounded part of the log. Blocks.
storage::result<page> read_page(const storage::store& store, event_seq end, const page_request& wanted);

class feed {
 public:
  // Called exactly once, on the pool or on the thread that calls tick().
  using handler = std::move_only_function<void(storage::result<page>)>;

  feed(const storage::store& store, const log_end& end, runtime::background& pool)
      : store_(store), end_(end), pool_(pool) {}
  // False: the pool has too much to do, and `done` will not be called.
  bool read(page_request wanted, steady_time now, handler done);
  // To be called some times a second, by one thread: so often a busy log wakes those who wait, and not once a commit.
  void tick(steady_time now);
  event_seq end() const { return end_.now(); }

 private:
  struct waiter {
    page_request wanted;
    handler done;
  };
  void look(waiter one, steady_time now);
  void wake_all();
  // Answers those that the batches behind `from` have something for; false: a reader must look for itself.
  bool serve(std::vector<waiter>& all, event_seq from);
  static void give(std::vector<waiter>& all, const std::vector<event>& events, event_seq cursor);

  const storage::store& store_;
  const log_end& end_;
  runtime::background& pool_;
  std::mutex mutex_;
  std::vector<waiter> waiting_;  // each has seen all up to its cursor
  bool waking_ = false;
};

}  // namespace gonets::events
