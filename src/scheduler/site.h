// One destination site, on the shard that owns it: its queue, its health, how fast it may be sent to.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "scheduler/entry_table.h"
#include "scheduler/site_queue.h"
#include "shaping/adaptive_rate.h"
#include "shaping/limit_set.h"
#include "shaping/provider.h"
#include "shaping/site_backoff.h"
#include "spool/lease.h"

namespace gonets::scheduler {

// All times in here are the limit_clock's.

// Nothing is sent until then, whoever asks: what the site answered, and a rule, want it so.
struct site_hold {
  wall_time until{};
  std::string why;
  bool by_egress = false;  // not the site is at fault, but the way there
};

// How fast one stream is sent to the site.
struct stream_pace {
  stream_pace(std::uint8_t s, const shaping::pace_policy& policy, wall_time now) : stream(s), rate(policy, now) {}

  std::uint8_t stream;
  shaping::adaptive_rate rate;
  wall_time used{};  // the last time
  // A rule's `slow_down`: no faster until then, whatever is accepted.
  struct slowed {
    double rate_max = 0;  // messages a second
    wall_time since{}, until{};
    std::string why;
  };
  std::optional<slowed> slow;
};

struct site {
  site(spool::site_id i, spool::destination_ptr d, shaping::site_backoff h)
      : id(i), to(std::move(d)), health(std::move(h)) {}

  spool::site_id id;
  spool::destination_ptr to;
  shaping::site_backoff health;
  site_hold hold;
  const shaping::provider* provider = nullptr;  // of the scheduler's rules; null: none that they know
  site_queue queue;
  std::vector<std::unique_ptr<stream_pace>> paces;  // of the streams that were sent; none where nothing is paced
  std::unique_ptr<shaping::limit_node> limits;      // its provider's, and its route's; null: there are none
  std::size_t connections = 0;                      // asked for by open() and not yet closed
  std::size_t reached = 0;                          // of those, connections that a host has greeted
  std::size_t loading = 0;                          // recipients whose message is being read
  std::size_t leased = 0;                           // recipients
  unsigned attempts = 0;                            // leases under way
  std::vector<handle> leaving;                      // may go elsewhere: to be looked at, from the back
  wall_time spilled_until{};                        // what the cap keeps back has been offered to other egresses
  wall_time wake_at{};                              // the heap has an item for it; zero: none
  bool placed = false;                              // scheduler::placed_ has it
  bool listed = false;                              // among the sites that tick() looks at

  stream_pace* pace(std::uint8_t stream) const;
  bool held(wall_time now) const { return now < hold.until; }
  bool idle() const { return queue.empty() && connections == 0 && loading == 0 && leased == 0; }
};

}  // namespace gonets::scheduler
