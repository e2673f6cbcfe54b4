// What is known of domains' MTA-STS policies: one for the process, asked by all shards. Reads take a shared lock and
// allocate nothing. Safe from any thread.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/text.h"
#include "delivery/sts_source.h"

namespace gonets::mta_sts {

using delivery::sts_policy_ptr;

// A policy as it is kept.
struct kept_policy {
  std::string domain;
  sts_policy_ptr policy;
  wall_time fetched{};
  wall_time expires() const { return fetched + policy->max_age; }
};

// For people.
struct knowledge {
  std::optional<kept_policy> policy;  // in force, one that says "none" included
  wall_time check_at{};               // when its record is looked at again
  std::string trouble;                // why the last look-up or fetch failed; else empty
};

struct cache_options {
  std::size_t domains_max = 500'000;  // beyond: those without a policy are forgotten
};

class cache {
 public:
  explicit cache(cache_options with = {}) : with_(with) {}

  // unknown: to be looked up before mail goes. due: an answer, that is to be looked up again; told to one caller only.
  enum class state : std::uint8_t { unknown, known, due };
  struct answer {
    state what = state::unknown;
    sts_policy_ptr policy;  // in force, also when it says "none"; null: there is none
  };
  answer find(std::string_view domain, wall_time now) const;

  void put(kept_policy fresh, wall_time check_at);
  // Nothing new: a policy in force stays so, else there is none, until `check_at`.
  void keep(std::string_view domain, wall_time now, wall_time check_at, std::string trouble);
  // As put(), unless something newer is known: what an earlier process kept.
  void load(kept_policy old);

  std::optional<knowledge> look(std::string_view domain, wall_time now) const;
  // Policies in force that are a day or half of their life old and were asked for within `used_max`, at most `max`;
  // each is told again an hour later at the earliest.
  std::vector<std::string> take_stale(wall_time now, std::size_t max);
  std::size_t policies(wall_time now) const;

  static constexpr std::chrono::hours refresh_after{24};  // RFC 8461 3.3
  static constexpr std::chrono::hours refresh_again{1};
  static constexpr std::chrono::hours used_max{24 * 30};
  // Another caller's look-up is given this long before the next one may try.
  static constexpr std::chrono::seconds due_again{60};

 private:
  struct entry {
    sts_policy_ptr policy;  // null: none
    wall_time fetched{};
    wall_time refreshed{};  // when take_stale() told it
    std::string trouble;
    mutable std::atomic<std::int64_t> check_ms{0};  // since 1970
    mutable std::atomic<std::int64_t> used_ms{0};

    bool in_force(wall_time now) const { return policy && now < fetched + policy->max_age; }
  };
  using map = std::unordered_map<std::string, entry, text_hash, std::equal_to<>>;

  void make_room();

  const cache_options with_;
  mutable std::shared_mutex mutex_;
  map entries_;
};

}  // namespace gonets::mta_sts
