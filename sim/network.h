// Delivery as the simulation has it: connections to modelled sites, which keep leases busy for as long as a dialogue
// takes.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

#include "sim/loop.h"
#include "sim/world.h"
#include "spool/lease.h"

namespace gonets::sim {

class network final : public spool::transport {
 public:
  network(loop& time, world& internet, std::uint64_t seed) : time_(time), world_(internet), random_(seed) {}
  void attach(spool::work_source& work) { work_ = &work; }

  bool resume(spool::site_id site) override;
  void open(spool::site_id site, spool::destination_ptr to) override;

  // Of an attempt that begins, and of one whose message was taken.
  using watcher = std::function<void(const spool::lease& l, milliseconds now)>;
  watcher on_begin, on_delivered;
  std::uint64_t leases_open = 0;

 private:
  struct connection {
    spool::site_id site;
    spool::destination_ptr to;
    modelled_site* at = nullptr;
    std::optional<spool::lease> under_way;
    std::size_t messages = 0;
    std::uint64_t idle_since = 0;  // a count, so that an old time-out is known to be old
    bool reached = false, idle = false;
  };
  using number = std::uint32_t;

  void connected(number n);
  void next(number n);
  void begin(number n, spool::lease l);
  void finish(number n, shaping::pace_outcome outcome);
  void settle(number n, smtp::recipient_outcome what, bool site_failed = false);
  void close(number n);
  smtp::recipient_outcome answer_to(modelled_site& s, message_id id, shaping::pace_outcome outcome);

  loop& time_;
  world& world_;
  spool::work_source* work_ = nullptr;
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> unit_{0, 1};
  std::vector<connection> connections_;
  std::vector<number> free_;
  std::unordered_map<std::uint32_t, std::vector<number>> idle_;  // by site_id
};

}  // namespace gonets::sim
