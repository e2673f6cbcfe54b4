// How an egress that receivers don't know yet is made known to a provider: it sends little on the first day, and more
// on each further one as long as its mail is taken well. Values and pure functions; warm_up_book.h has them for all.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace gonets::shaping {

enum class warm_up_curve : std::uint8_t {
  exponential,  // each day the same factor
  linear        // each day the same number
};
enum class when_full : std::uint8_t {
  other_egress,  // what the cap keeps back goes by another egress of the pool, if there is one
  wait
};

struct warm_up_plan {
  std::uint32_t first_day = 50, last_day = 50'000;  // messages; behind the last day there is no cap
  unsigned days = 30;
  warm_up_curve curve = warm_up_curve::exponential;
  when_full full = when_full::other_egress;
  double deferred_max = 0.1;      // the share of a day's attempts that may be put off, or refused for the egress's sake
  double complained_max = 0.001;  // the share of a day's accepted messages that may be complained of
  bool operator==(const warm_up_plan&) const = default;
};

// Where one egress stands at one provider.
struct warm_up_day {
  std::uint32_t day = 1;  // of the plan, from 1; beyond its days: it is warm
  wall_time since{};      // when this day began; zero: it does with its first message
  std::uint32_t accepted = 0, deferred = 0, complained = 0;  // messages, since then
  bool fell_back = false;                                    // the day before went badly
  bool operator==(const warm_up_day&) const = default;
};

enum class warm_up_result : std::uint8_t { accepted, deferred, complained };
void count(warm_up_day& at, warm_up_result r);

// Messages in 24 hours; nothing: it is warm.
std::optional<std::uint32_t> cap_of(const warm_up_plan& plan, std::uint32_t day);

struct warm_up_step {
  warm_up_day next;
  std::string why;  // "96 of 100 messages were accepted, 4 deferred"
};
// Where it stands next; nothing: as it does. A day lasts 24 hours. After one that went well, and of whose cap at least
// half was used, comes the next day of the plan; after one that was used less, the same again. One that goes badly ends
// at once with a step back; but only once in 24 hours, since a provider needs time to forget.
std::optional<warm_up_step> review(const warm_up_plan& plan, const warm_up_day& at, wall_time now);

// docs/formats/pace.md
std::string warm_up_value(const warm_up_day& at);
std::optional<warm_up_day> read_warm_up(std::string_view value);

}  // namespace gonets::shaping
