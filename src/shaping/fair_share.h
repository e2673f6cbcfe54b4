// Whose turn it is: accounts that wait in one stream at one site share it by weight, however long their queues are. A
// deficit round robin that charges afterwards: who is picked may send once, pays for each recipient, and waits until
// its weight has paid its debt. Picking takes O(1), amortised over the recipients that were paid for. Lives on the
// shard that owns the site.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"

namespace gonets::shaping {

class fair_share {
 public:
  static constexpr std::uint32_t weight_max = 1'000'000;

  // The account has something to send from now on; it comes last in the round. Of one that is there already, the
  // weight (1 to weight_max) is changed.
  void add(account_id who, std::uint32_t weight = 1);
  // It has nothing more to send. Its debt, a transaction's at most, is forgotten.
  void remove(account_id who);

  // Whose turn it is; the same until charge(), pass() or remove(). Nothing: nobody is there.
  std::optional<account_id> pick();
  void charge(account_id who, std::uint32_t recipients);
  // It may not send now, for reasons of its own: its turn is over, and it saves nothing up.
  void pass(account_id who);

  std::size_t size() const { return places_.size(); }
  bool contains(account_id who) const { return places_.contains(who); }

 private:
  using slot = std::uint32_t;
  struct member {
    account_id who;
    std::uint32_t weight = 1;
    std::int64_t credit = 0;  // recipients
    slot next = 0, previous = 0;
    bool in_turn = false;  // has got its weight in this round
  };
  void end_turn(slot at);
  std::int64_t rounds_until_credit() const;

  std::vector<member> members_;
  std::vector<slot> free_;
  boost::unordered_flat_map<account_id, slot, std::hash<account_id>> places_;
  slot current_ = 0;  // when not empty
};

}  // namespace gonets::shaping
