// What is simulated. Each scenario prints what it measured, and gives whether that is what must be reached.
#pragma once
#include <cstdint>

namespace gonets::sim {

struct order {
  std::uint64_t seed = 1;
  std::uint32_t recipients = 0, domains = 0;  // 0: the scenario's own
};

// A provider whose hidden limit steps up and down: how much of it is used, how often is it run into?
bool steps(const order& o);
// Password resets, while a campaign to the same site drains.
bool urgent(const order& o);
// A hundred accounts with queues of very different length.
bool fairness(const order& o);
// A day of a large sender.
bool day(const order& o);
// What a recipient costs the scheduler, in a queue of a million.
bool cost(const order& o);

}  // namespace gonets::sim
