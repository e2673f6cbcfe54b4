// One destination site's queue, on the shard that owns it.
#pragma once
#include <array>
#include <string>

#include "base/clock.h"
#include "scheduler/entry_table.h"
#include "shaping/provider.h"
#include "shaping/site_backoff.h"
#include "spool/lease.h"

namespace gonets::scheduler {

inline constexpr std::size_t priorities = 4;  // streams of a lower number go first; the last takes all that are lower

// First in, first out, linked through entry::next. An entry whose state changed stays linked and is skipped when
// popped.
class fifo {
 public:
  void push_back(entry_table& entries, handle h);
  void push_front(entry_table& entries, handle h);
  handle front(entry_table& entries);  // no_handle when empty; drops what is no longer ready
  handle pop_front(entry_table& entries);
  std::size_t count() const { return count_; }  // what is linked
  bool empty() const { return first_ == no_handle; }
  template <class Visit>
  void for_each(const entry_table& entries, Visit&& visit) const {
    for (auto h = first_; h != no_handle; h = entries[h].next)
      visit(h);
  }

 private:
  handle first_ = no_handle;
  handle last_ = no_handle;
  std::size_t count_ = 0;
};

// Nothing is sent until then, whoever asks: what the site answered, and a rule, want it so.
struct site_hold {
  wall_time until{};
  std::string why;
};

struct site {
  site(spool::site_id i, spool::destination_ptr d, shaping::site_backoff h)
      : id(i), to(std::move(d)), health(std::move(h)) {}

  spool::site_id id;
  spool::destination_ptr to;
  shaping::site_backoff health;
  site_hold hold;
  const shaping::provider* provider = nullptr;  // of the scheduler's rules; null: none that they know
  std::array<fifo, priorities> hot;             // messages in memory
  std::array<fifo, priorities> cold;            // messages on disk: loaded a few at a time, in order
  std::size_t connections = 0;                  // asked for by open() and not yet closed
  std::size_t loading = 0;                      // recipients whose message is being read
  std::size_t leased = 0;
  bool wake_planned = false;  // the heap has an item for the end of its suspension
  bool placed = false;        // scheduler::placed_ has it
  bool listed = false;        // among the sites that tick() looks at

  bool held(const clock& time) const { return hold.until != wall_time{} && time.wall() < hold.until; }
  std::size_t hot_count() const;
  std::size_t cold_count() const;
  bool idle() const { return hot_count() == 0 && cold_count() == 0 && connections == 0 && loading == 0 && leased == 0; }
};

}  // namespace gonets::scheduler
