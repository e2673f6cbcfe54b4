// Takes the visits to addresses that this server put into messages, and tells of them by events. Any thread.
#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_set>

#include "base/clock.h"
#include "message/tracked_addresses.h"
#include "metrics/metrics.h"
#include "spool/spool.h"

namespace gonets::tracking {

struct visitor {
  std::string address, user_agent;  // empty: not known
};

inline constexpr std::size_t user_agent_bytes_max = 256;

struct limits {
  // A mail program that fetches the picture again within this time, or twice it at most, is reading on, and a link that
  // is opened twice was one click.
  std::chrono::seconds same_visit_within{60};
  std::size_t remembered_max = 100'000;  // visits; beyond, older ones are forgotten early
  std::size_t of_message_max = 500;      // visits that are written
};

class tracker {
 public:
  struct environment {
    spool::spool& store;
    const clock& time;
    metrics::registry& counts;
    // Whether events may say who came.
    std::function<bool(account_id)> keeps_visitors;
  };
  explicit tracker(environment env, limits max = {});

  // False: it was seen just now, and there is nothing to take.
  bool is_news(const message::visit& v);
  // Blocking: reads what happened to the message. A power cut can lose what is not synced yet.
  void take(const message::visit& v, visitor who);
  // There was no room to take one.
  void leave_out() { untold_.add(); }

 private:
  // Keys of what was seen in this period and the one before.
  bool remember(std::string key);

  environment env_;
  limits max_;
  std::mutex mutex_;
  steady_time turned_;
  std::unordered_set<std::string> now_, before_;
  metrics::counter &opened_, &clicked_, &untold_;
};

}  // namespace gonets::tracking
