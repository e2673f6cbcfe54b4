// The warm-ups of all egresses at all providers, shared by all shards. It keeps their caps in the book of limits,
// counts what becomes of their mail, and is reviewed now and then by one of the shards.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "shaping/limit_book.h"
#include "shaping/warm_up.h"

namespace gonets::shaping {

// Of the facts in which it is kept where an egress stands.
inline constexpr std::string_view warm_up_prefix = "warm-up ";

// One [[warm_up]]. Of several for the same egress and provider the first counts.
struct warm_up_order {
  std::string egress;
  std::string provider = "*";  // its name; "*": every one by itself, and the other sites together
  warm_up_plan plan;
  bool operator==(const warm_up_order&) const = default;
};

class warm_up_book {
 public:
  explicit warm_up_book(limit_book& limits) : limits_(limits) {}

  // What was kept of an egress at a provider, by its key; before configure(). False: it can't be read.
  bool recall(std::string_view key, std::string_view value);
  // In place of the orders before. Gives the limits that they make, which must be in the book before apply() sets each
  // to the day that it is at.
  std::vector<limit_order> configure(std::vector<warm_up_order> orders);
  void apply();
  bool empty() const { return !any_.load(std::memory_order_relaxed); }

  // A message came to that. An empty provider: the site has none.
  void note(std::string_view egress, std::string_view provider, warm_up_result r, wall_time now);
  // Whether what the cap keeps back may go by another egress.
  bool spills(std::string_view egress, std::string_view provider) const;

  // Every second or so: `facts`, key and value, are to be kept on the disk in any case.
  struct change {
    std::string egress, provider, what;  // "day 4 of 30, 134 messages: 100 accepted, 0 deferred"
  };
  struct reviewed {
    std::vector<change> changes;
    std::vector<std::pair<std::string, std::string>> facts;
  };
  reviewed review(wall_time now);

  struct line {
    std::string egress, provider;
    warm_up_day at;
    unsigned days = 0;
    std::optional<std::uint32_t> cap;  // nothing: it is warm
    when_full full = when_full::wait;
  };
  std::vector<line> lines() const;  // of those that have sent, or were set
  // An operator puts it at that day of its plan; beyond the last: it is warm. Nothing: it has no plan. To be reviewed()
  // afterwards for what is to be kept.
  std::optional<line> set_day(std::string_view egress, std::string_view provider, std::uint32_t day);

 private:
  using place = std::pair<std::string, std::string>;  // egress and provider
  struct known {
    warm_up_day at;
    std::uint32_t unkept = 0;         // results since it was written
    std::optional<std::string> told;  // a change that review() is to tell
  };
  const warm_up_order* order_for(std::string_view egress, std::string_view provider) const;
  void apply(const place& where, const known& k);
  line line_of(const place& where, const known& k, const warm_up_order& by) const;

  limit_book& limits_;
  mutable std::mutex lock_;
  std::vector<warm_up_order> orders_;
  std::map<place, known> places_;
  std::atomic<bool> any_{false};
};

}  // namespace gonets::shaping
