#include "runtime/wheel.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <vector>

namespace gonets::runtime {
namespace {

using namespace std::chrono_literals;

// How many ticks go by before `fired` rises; 0: more than `most`.
std::uint64_t ticks_until(wheel& timers, const int& fired, std::uint64_t most = 20'000) {
  const int before = fired;
  for (std::uint64_t n = 1; n <= most; ++n) {
    timers.tick();
    if (fired != before) return n;
  }
  return 0;
}

// Just before a tick it may be set, and just after it: so one tick more than asked for is the earliest that is never
// early, and it is at most one tick late.
TEST(wheel, fires_at_the_first_tick_that_cannot_be_early) {
  for (const int seconds : {0, 1, 2, 10, 510, 511, 512, 513, 1024, 5000}) {
    wheel timers;
    int fired = 0;
    deadline d(timers, [&fired] { ++fired; });
    d.expires_after(std::chrono::seconds(seconds));
    EXPECT_EQ(ticks_until(timers, fired), static_cast<std::uint64_t>(seconds) + 1) << seconds;
  }
}

TEST(wheel, rounds_a_part_of_a_tick_up) {
  for (const auto& [asked, ticks] : {std::pair{1ms, 2u}, {999ms, 2u}, {1000ms, 2u}, {1001ms, 3u}}) {
    wheel timers;
    int fired = 0;
    deadline d(timers, [&fired] { ++fired; });
    d.expires_after(asked);
    EXPECT_EQ(ticks_until(timers, fired), ticks) << asked.count();
  }
}

TEST(wheel, fires_once) {
  wheel timers;
  int fired = 0;
  deadline d(timers, [&fired] { ++fired; });
  d.expires_after(3s);
  for (int i = 0; i < 2000; ++i)
    timers.tick();
  EXPECT_EQ(fired, 1);
}

TEST(wheel, keeps_to_the_last_time_that_was_set) {
  wheel timers;
  int fired = 0;
  deadline d(timers, [&fired] { ++fired; });
  d.expires_after(5s);
  timers.tick();
  timers.tick();
  d.expires_after(600s);  // later than it is linked
  EXPECT_EQ(ticks_until(timers, fired), 601u);
  d.expires_after(600s);
  timers.tick();
  d.expires_after(2s);  // earlier
  EXPECT_EQ(ticks_until(timers, fired), 3u);
}

TEST(wheel, does_not_fire_what_was_cleared) {
  wheel timers;
  int fired = 0;
  deadline d(timers, [&fired] { ++fired; });
  d.expires_after(5s);
  d.clear();
  EXPECT_EQ(ticks_until(timers, fired, 2000), 0u);
  d.expires_after(1s);
  EXPECT_EQ(ticks_until(timers, fired), 2u);
  d.expires_after(9s);
  d.clear();
  d.expires_after(3s);
  EXPECT_EQ(ticks_until(timers, fired), 4u);
}

TEST(wheel, forgets_a_deadline_that_is_gone) {
  wheel timers;
  int fired = 0;
  deadline kept(timers, [&fired] { ++fired; });
  {
    deadline first(timers, [] { ADD_FAILURE(); });
    deadline second(timers, [] { ADD_FAILURE(); });
    first.expires_after(3s);
    kept.expires_after(3s);
    second.expires_after(3s);
  }
  EXPECT_EQ(ticks_until(timers, fired), 4u);
}

TEST(wheel, lets_a_deadline_be_set_again_while_it_fires) {
  wheel timers;
  int fired = 0;
  std::optional<deadline> d;
  d.emplace(timers, [&] {
    ++fired;
    d->expires_after(1s);
  });
  d->expires_after(1s);
  EXPECT_EQ(ticks_until(timers, fired), 2u);
  EXPECT_EQ(ticks_until(timers, fired), 2u);
  EXPECT_EQ(ticks_until(timers, fired), 2u);
}

// A connection that times out may take itself, and its neighbour, away.
TEST(wheel, lets_deadlines_be_destroyed_while_one_fires) {
  wheel timers;
  std::vector<std::unique_ptr<deadline>> all;
  int fired = 0;
  for (int i = 0; i < 3; ++i) {
    all.push_back(std::make_unique<deadline>(timers, [&] {
      ++fired;
      all.clear();
    }));
    all.back()->expires_after(2s);
  }
  EXPECT_EQ(ticks_until(timers, fired), 3u);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(ticks_until(timers, fired, 2000), 0u);
}

TEST(wheel, may_end_before_its_deadlines) {
  std::optional<wheel> timers(std::in_place);
  deadline first(*timers, [] { ADD_FAILURE(); });
  deadline second(*timers, [] { ADD_FAILURE(); });
  first.expires_after(1s);
  second.expires_after(1s);
  timers.reset();
}

// Whatever is set, moved and cleared in between: each fires at its time and at no other.
TEST(wheel, keeps_the_times_of_very_many_apart) {
  std::mt19937 random(7);
  wheel timers;
  struct one {
    std::unique_ptr<deadline> at;
    std::uint64_t due = 0;  // 0: none
  };
  std::vector<one> all(200);
  std::uint64_t now = 0, fired = 0;
  for (auto& each : all) {
    each.at = std::make_unique<deadline>(timers, [&each, &now, &fired] {
      EXPECT_EQ(each.due, now);
      each.due = 0;
      ++fired;
    });
  }
  for (int round = 0; round < 3000; ++round) {
    for (int changes = 0; changes < 5; ++changes) {
      auto& each = all[random() % all.size()];
      if (random() % 10 == 0) {
        each.at->clear();
        each.due = 0;
      } else {
        const auto seconds = random() % 1500;
        each.at->expires_after(std::chrono::seconds(seconds));
        each.due = now + seconds + 1;
      }
    }
    ++now;
    timers.tick();
    for (const auto& each : all)
      ASSERT_TRUE(each.due == 0 || each.due > now);
  }
  EXPECT_GT(fired, 100u);
}

}  // namespace
}  // namespace gonets::runtime
