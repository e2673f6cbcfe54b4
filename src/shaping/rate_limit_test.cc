#include "shaping/rate_limit.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "base/hex_test_support.h"
#include "shaping/limit_clock.h"

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr wall_time start{1'700'000'000'000ms};

// Counts by brute force, in real time, what was let through in the last window.
class witness {
 public:
  explicit witness(milliseconds window) : window_(window) {}

  void let_through(wall_time at, std::uint32_t n) {
    while (!seen_.empty() && seen_.front().first <= at - window_) {
      count_ -= seen_.front().second;
      seen_.pop_front();
    }
    seen_.emplace_back(at, n);
    count_ += n;
    most_ = std::max(most_, count_);
    total_ += n;
  }
  void taken_back(wall_time at, std::uint32_t n) {
    for (auto& [when, amount] : seen_)
      if (when == at && amount >= n) {
        amount -= n;
        count_ -= n;
        total_ -= n;
        return;
      }
  }
  std::uint64_t most() const { return most_; }
  std::uint64_t total() const { return total_; }

 private:
  milliseconds window_;
  std::deque<std::pair<wall_time, std::uint32_t>> seen_;
  std::uint64_t count_ = 0, most_ = 0, total_ = 0;
};

TEST(rate_limit, one_a_minute_is_one_a_minute) {
  rate_limit limit({.window = 1min, .max = 1});
  EXPECT_TRUE(limit.admit(start));
  EXPECT_EQ(limit.next(start + 30s), start + 60s);
  EXPECT_FALSE(limit.admit(start + 59'999ms));
  EXPECT_TRUE(limit.admit(start + 60s));
}

TEST(rate_limit, a_burst_is_paid_for_by_the_steady_rate) {
  rate_limit limit({.window = 1min, .max = 60, .burst = 31});
  EXPECT_TRUE(limit.admit(start, 31));
  EXPECT_FALSE(limit.admit(start));
  EXPECT_EQ(limit.next(start), start + 2s);  // one each two seconds: thirty more in the minute, less one
  int more = 0;
  for (auto t = start; t < start + 1min; t += 1ms)
    more += limit.admit(t) ? 1 : 0;
  EXPECT_EQ(more, 29);
}

TEST(rate_limit, the_whole_quota_of_a_day_may_go_at_once_and_then_waits_for_the_day_to_pass) {
  rate_limit limit({.window = 24h, .max = 500});
  EXPECT_TRUE(limit.admit(start, 500));
  const auto next = limit.next(start + 1h);
  EXPECT_FALSE(limit.admit(start + 24h - 1ms));
  ASSERT_TRUE(next);
  EXPECT_GE(*next, start + 24h);
  EXPECT_LE(*next, start + 24h + 4min);
  EXPECT_FALSE(limit.admit(*next - 1ms));
  EXPECT_TRUE(limit.admit(*next, 500));
}

TEST(rate_limit, the_quota_of_a_day_may_go_evenly_all_the_time) {
  rate_limit limit({.window = 24h, .max = 500});
  std::uint64_t sent = 0;
  auto now = start;
  for (; now < start + 240h; now += milliseconds(24h) / 490)
    sent += limit.admit(now) ? 1 : 0;
  EXPECT_GE(sent, 4890u);
}

TEST(rate_limit, more_than_the_limit_at_once_never_fits) {
  EXPECT_EQ(rate_limit({.window = 1h, .max = 5}).next(start, 6), std::nullopt);
  EXPECT_EQ(rate_limit({.window = 1s, .max = 5, .burst = 2}).next(start, 3), std::nullopt);
  EXPECT_EQ(rate_limit({.window = 1s, .max = 0}).next(start), std::nullopt);
  EXPECT_EQ(rate_limit({.window = 24h, .max = 0}).next(start), std::nullopt);
  EXPECT_FALSE(rate_limit({.window = 24h, .max = 0}).admit(start));
}

TEST(rate_limit, a_clock_set_back_neither_opens_the_window_nor_closes_it_for_longer) {
  for (const auto window : {milliseconds(1min), milliseconds(24h)}) {
    rate_limit limit({.window = window, .max = 1});
    ASSERT_TRUE(limit.admit(start));
    EXPECT_FALSE(limit.admit(start - 1000h));
    const auto next = limit.next(start - 1000h);
    ASSERT_TRUE(next);
    EXPECT_LE(*next - (start - 1000h), window + window / 360);
    EXPECT_FALSE(limit.admit(start - 1000h + window - 1ms));
    EXPECT_TRUE(limit.admit(start - 1000h + window + window / 360));
  }
}

TEST(rate_limit, what_was_not_used_is_given_back) {
  rate_limit minute({.window = 1min, .max = 1});
  ASSERT_TRUE(minute.admit(start));
  EXPECT_TRUE(minute.take_back(start));
  EXPECT_TRUE(minute.admit(start + 1s));
  EXPECT_FALSE(minute.take_back(start));  // not the latest any more
  rate_limit day({.window = 24h, .max = 2});
  ASSERT_TRUE(day.admit(start));
  ASSERT_TRUE(day.admit(start + 1h));
  EXPECT_TRUE(day.take_back(start));
  EXPECT_FALSE(day.take_back(start));
  EXPECT_EQ(day.used(start + 1h), 1u);
  EXPECT_FALSE(day.take_back(start + 30h));
}

// ---- by chance ------------------------------------------------------------------------------------------------------

struct trial {
  rate_bound bound;
  bool clock_steps = false;
  bool restarts = false;
};

// Asks at random times, in bursts and after rests, gives some back, sets the clock, restarts.
void never_crosses(const trial& t, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto pick = [&](std::int64_t most) { return std::int64_t(random() % std::uint64_t(most + 1)); };
  rate_limit limit(t.bound);
  witness seen(t.bound.window);
  auto real = start;
  milliseconds offset{0};  // of the clock
  const auto window_ms = t.bound.window.count();
  for (int i = 0; i != 20'000; ++i) {
    switch (pick(9)) {
      case 0:
        real += milliseconds(pick(2 * window_ms));
        break;
      case 1:
        if (const auto next = limit.next(real + offset); next) real += std::max(*next - (real + offset), 0ms);
        break;
      case 2:
        break;
      default:
        real += milliseconds(pick(window_ms / (1 + t.bound.max)));
    }
    if (t.clock_steps && pick(50) == 0) offset -= milliseconds(pick(3 * window_ms));
    if (t.restarts && pick(50) == 0) {
      rate_limit again(t.bound);
      ASSERT_TRUE(again.restore(limit.state()));
      limit = std::move(again);
    }
    const auto n = std::uint32_t(1 + pick(pick(20) == 0 ? t.bound.max : 1));
    const auto now = real + offset;
    const auto expected = limit.next(now, n) == now;
    const auto let = limit.admit(now, n);
    ASSERT_EQ(let, expected);
    if (!let) continue;
    seen.let_through(real, n);
    if (pick(10) == 0 && limit.take_back(now, n)) seen.taken_back(real, n);
  }
  EXPECT_LE(seen.most(), t.bound.max);
  EXPECT_GT(seen.total(), t.bound.max);
}

TEST(rate_limit, no_window_ever_has_more_than_the_limit) {
  const std::vector<trial> trials{
      {{.window = 1s, .max = 1}},
      {{.window = 1s, .max = 20}},
      {{.window = 1s, .max = 20, .burst = 20}},
      {{.window = 1min, .max = 97, .burst = 13}},
      {{.window = 1min, .max = 1}},
      {{.window = 1h, .max = 200}},
      {{.window = 24h, .max = 150}},
      {{.window = 24h, .max = 1}},
      {{.window = 24h, .max = 5000}},
      {{.window = 3'600'001ms, .max = 7}},
  };
  for (auto t : trials)
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE(std::to_string(t.bound.max) + " in " + std::to_string(t.bound.window.count()) + " ms");
      t.clock_steps = (seed & 1) != 0;
      t.restarts = (seed & 2) != 0;
      never_crosses(t, seed);
    }
}

TEST(rate_limit, uses_nearly_all_that_it_may) {
  for (const auto& bound : {rate_bound{.window = 1s, .max = 20}, rate_bound{.window = 1min, .max = 1000},
                            rate_bound{.window = 1h, .max = 200}, rate_bound{.window = 24h, .max = 10'000}}) {
    rate_limit limit(bound);
    std::uint64_t sent = 0;
    const auto end = start + 20 * bound.window;
    for (auto now = start; now < end; ++sent) {
      now = limit.next(now).value();
      ASSERT_TRUE(limit.admit(now));
    }
    EXPECT_GE(double(sent), 0.92 * 20 * bound.max) << bound.max;
  }
}

// ---- stored state ---------------------------------------------------------------------------------------------------

TEST(rate_limit, its_state_is_stored_as_the_format_says) {
  rate_limit minute({.window = 1min, .max = 3, .burst = 1});
  ASSERT_TRUE(minute.admit(wall_time(1'000'000ms)));
  EXPECT_EQ(to_hex(minute.state()),
            "010000000000000f42400"
            "3e0d403");
  rate_limit hour({.window = 1h, .max = 10});
  ASSERT_TRUE(hour.admit(wall_time(1'000'000ms), 2));
  ASSERT_TRUE(hour.admit(wall_time(1'012'000ms), 3));
  EXPECT_EQ(to_hex(hour.state()),
            "010100000000000f7120"
            "02"
            "d10f02"
            "0003");
}

TEST(rate_limit, a_restored_state_goes_on_counting) {
  rate_limit before({.window = 24h, .max = 150});
  ASSERT_TRUE(before.admit(start, 100));
  ASSERT_TRUE(before.admit(start + 5h, 50));
  rate_limit after({.window = 24h, .max = 150});
  ASSERT_TRUE(after.restore(before.state()));
  EXPECT_FALSE(after.admit(start + 6h));
  EXPECT_EQ(after.used(start + 6h), 150u);
  EXPECT_FALSE(after.admit(start - 100h));  // set back while it was down
}

TEST(rate_limit, a_state_of_another_bound_counts_under_the_new_one) {
  rate_limit before({.window = 24h, .max = 500});
  ASSERT_TRUE(before.admit(start, 300));
  rate_limit after({.window = 24h, .max = 100});
  ASSERT_TRUE(after.restore(before.state()));
  EXPECT_FALSE(after.admit(start + 23h));
  before.rebound({.window = 24h, .max = 301});
  EXPECT_TRUE(before.admit(start + 1h));
  EXPECT_FALSE(before.admit(start + 1h));
}

TEST(rate_limit, what_is_not_a_state_is_refused_and_changes_nothing) {
  rate_limit limit({.window = 24h, .max = 10});
  ASSERT_TRUE(limit.admit(start, 10));
  const auto good = limit.state();
  for (std::size_t n = 0; n != good.size(); ++n)
    EXPECT_FALSE(limit.restore(std::string_view(good).substr(0, n))) << n;
  EXPECT_FALSE(limit.restore(good + "x"));
  EXPECT_FALSE(limit.restore(rate_limit({.window = 1s, .max = 10}).state()));
  std::mt19937 random(1);
  for (int i = 0; i != 10'000; ++i) {
    auto bad = good;
    bad[random() % bad.size()] ^= char(1 << random() % 8);
    rate_limit other({.window = 24h, .max = 10});
    (void)other.restore(bad);  // whatever it is, no crash, and it still limits
    std::uint32_t let = 0;
    for (int k = 0; k != 20; ++k)
      let += other.admit(start + 1h) ? 1 : 0;
    EXPECT_LE(let, 10u);
  }
  EXPECT_FALSE(limit.admit(start + 1h));
}

class test_clock : public clock {
 public:
  wall_time wall() const override { return wall_now; }
  steady_time steady() const override { return steady_now; }
  wall_time wall_now = start;
  steady_time steady_now{};
};

TEST(limit_clock, a_wall_clock_that_is_set_moves_no_limit) {
  test_clock time;
  const limit_clock own(time);
  time.wall_now += 48h;
  time.steady_now += 1s;
  EXPECT_EQ(own.now(), start + 1s);
  EXPECT_EQ(own.shown(start + 61s), time.wall_now + 1min);
  time.wall_now -= 1000h;
  time.steady_now += 1s;
  EXPECT_EQ(own.now(), start + 2s);
}

TEST(limit_clock, does_not_believe_a_clock_that_went_back_over_a_restart) {
  test_clock time;
  EXPECT_EQ(limit_clock(time, start + 5h).now(), start + 5h);
  EXPECT_EQ(limit_clock(time, start - 5h).now(), start);
}

}  // namespace
}  // namespace gonets::shaping
