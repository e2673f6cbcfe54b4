// The scheduler with everything around it modelled: what a scenario plays with.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/id_source.h"
#include "metrics/metrics.h"
#include "scheduler/scheduler.h"
#include "shaping/limit_book.h"
#include "sim/loop.h"
#include "sim/network.h"
#include "sim/store.h"
#include "sim/world.h"

namespace gonets::sim {

inline constexpr std::uint8_t transactional = 0, bulk = 1;

// How long something took, over many times; the shares are of all that were noted.
class waits {
 public:
  void note(milliseconds w) { all_.push_back(static_cast<std::uint32_t>(w.count())); }
  std::size_t count() const { return all_.size(); }
  milliseconds share(double part);  // 0.99: so many took no longer than this

 private:
  std::vector<std::uint32_t> all_;
};

class server {
 public:
  explicit server(std::uint64_t seed);

  void submit(letter what);
  // Goes on to that time; the invariants are held against after every step, and a break of one ends the run by an
  // exception that names it.
  void run_until(milliseconds end);
  // The invariants that take a look at the whole queue; held against now and then, and to be at the end.
  void check_all();

  loop time;
  world internet{time};
  store spool;
  network net;
  metrics::registry counts;
  shaping::limit_book limits;
  shaping::warm_up_book warm_ups{limits};
  std::unique_ptr<scheduler::scheduler> sched;
  waits transactional_to_begin, transactional_to_end;
  std::vector<std::uint64_t> delivered_by_account;
  bool measuring = true;

 private:
  void tick();
  void check();

  id_source ids_{0, {}};
  std::uint64_t steps_ = 0;
};

}  // namespace gonets::sim
