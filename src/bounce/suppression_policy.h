// Which ends of delivery put an address on its account's suppression list. Pure.
#pragma once
#include <bitset>
#include <chrono>
#include <cstdint>

#include "bounce/classifier.h"

namespace gonets::bounce {

using category_set = std::bitset<categories>;

// Those of dead addresses: no mail will ever arrive there.
category_set dead_addresses();
// Whether an account may let refusals of this category do it. What is about the sender never suppresses a recipient:
// reputation, block lists, content, policy.
bool may_suppress(category c);

inline constexpr std::uint32_t soft_bounces_max = 20;
inline constexpr std::chrono::days soft_days_max{365};

struct suppression_policy {
  category_set at_once = dead_addresses();  // each as may_suppress() says; refusals for good alone
  // So many messages that end softly, the first and the last of them at least `soft_over` apart and none of them older
  // than `soft_within`, suppress the address for `soft_lasts`. A delivered one in between begins anew.
  std::uint32_t soft_bounces = 5;                                   // 0: they are not counted; at most soft_bounces_max
  std::chrono::days soft_over{7}, soft_within{30}, soft_lasts{30};  // each at most soft_days_max
  bool operator==(const suppression_policy&) const = default;
};

enum class consequence : std::uint8_t {
  none,
  soft,     // it counts: the mailbox is full, or the server is out of reach or order, and not for the first time
  suppress  // the address is not to be sent to any more
};
// Of the end of one recipient's way.
consequence consequence_of(const verdict& of, const suppression_policy& by);

}  // namespace gonets::bounce
