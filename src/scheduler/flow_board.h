// What became of attempts, counted by site and account, for who watches (`gonets top`): rates are the difference of two
// looks. Counting looks two names up and allocates only for what is new; it lives on its scheduler's shard. What was
// not counted for a while is forgotten, and begins from zero when it comes back.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "events/event.h"
#include "scheduler/view.h"

namespace gonets::scheduler {

struct flow_counts {
  std::uint64_t delivered = 0, deferred = 0, failed = 0;  // recipients
  void add(events::kind how) {
    delivered += how == events::kind::delivered || how == events::kind::discarded;
    deferred += how == events::kind::deferred;
    failed += how == events::kind::bounced || how == events::kind::expired;
  }
  flow_counts& operator+=(const flow_counts& o) {
    delivered += o.delivered;
    deferred += o.deferred;
    failed += o.failed;
    return *this;
  }
};

class flow_board {
 public:
  static constexpr std::size_t sites_max = 20'000;
  static constexpr std::int64_t forgotten_after_ms = 600'000;
  static constexpr std::int64_t swept_each_ms = 60'000;

  struct site_flow {
    std::string provider, egress;
    flow_counts counts;
    std::int64_t last_ms = 0;
  };
  void note(std::string_view site, std::string_view provider, std::string_view egress, account_id account,
            events::kind how, std::int64_t now_ms) {
    accounts_[account].add(how);
    auto at = sites_.find(site);
    if (at == sites_.end()) {
      if (sites_.size() >= sites_max && !make_room(now_ms)) return;
      at = sites_.emplace(site, site_flow{std::string(provider), std::string(egress), {}, 0}).first;
    }
    at->second.counts.add(how);
    at->second.last_ms = now_ms;
  }

  struct by_text {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  using site_map = std::unordered_map<std::string, site_flow, by_text, std::equal_to<>>;
  const site_map& sites() const { return sites_; }
  const std::unordered_map<account_id, flow_counts>& accounts() const { return accounts_; }

 private:
  // A sweep goes through all sites: where more than sites_max are busy, it must not be made for each recipient.
  bool make_room(std::int64_t now_ms) {
    if (now_ms - swept_ms_ < swept_each_ms) return false;
    swept_ms_ = now_ms;
    return std::erase_if(sites_, [&](const auto& s) { return now_ms - s.second.last_ms > forgotten_after_ms; }) > 0;
  }

  site_map sites_;
  std::int64_t swept_ms_ = 0;
  std::unordered_map<account_id, flow_counts> accounts_;
};

// One line of a look: a site, or an account.
struct flow_line : queued_counts {
  std::string site, provider, egress;  // of a site; the domain of what has none yet
  account_id account;                  // of an account
  flow_counts counts;
  std::uint64_t connections = 0;
};
struct flow_view {
  std::vector<flow_line> sites, accounts;
};

}  // namespace gonets::scheduler
