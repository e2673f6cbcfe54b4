#include "shaping/adaptive_rate.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "shaping/modelled_provider_test_support.h"

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::modelled_sender;
using testing::pace_tally;
using testing::provider_shape;
using enum pace_outcome;

constexpr wall_time start{1'700'000'000'000ms};

// Sends whenever it may, for `length`; each attempt takes 100 ms and ends as `how` says. Returns the changes.
class driver {
 public:
  explicit driver(pace_policy policy = {}) : pace(policy, start) {}

  std::vector<rate_change> send(milliseconds length, pace_outcome how) {
    std::vector<rate_change> changes;
    const auto end = now + length;
    while (true) {
      const auto next = std::max(now, pace.next_send(now));
      if (next >= end) break;
      now = next;
      pace.on_send(now, 1);
      if (auto c = result(how, now, now + 100ms)) changes.push_back(*c);
    }
    now = end;
    return changes;
  }

  std::optional<rate_change> result(pace_outcome how, wall_time began, wall_time at, unsigned open = 0) {
    return pace.on_result(
        {.now = at, .began = began, .outcome = how, .connections_open = open, .rule = "google: too fast"});
  }

  adaptive_rate pace;
  wall_time now = start;
};

TEST(adaptive_rate, doubles_from_its_start_while_all_is_accepted) {
  driver d({.start = 1});
  const auto changes = d.send(30s, accepted);
  ASSERT_GE(changes.size(), 3u);
  for (const auto& c : changes) {
    EXPECT_DOUBLE_EQ(c.new_rate, 2 * c.old_rate);
    EXPECT_EQ(c.why, pace_reason::growing);
    EXPECT_GE(c.counts[std::size_t(accepted)], 5u);
  }
  EXPECT_EQ(d.pace.phase(), pace_phase::starting);
}

TEST(adaptive_rate, does_not_grow_while_the_rate_is_not_used) {
  driver d({.start = 10});
  for (int i = 0; i != 1000; ++i) {
    d.now += 1s;
    d.pace.on_send(d.now, 1);
    EXPECT_FALSE(d.result(accepted, d.now, d.now + 100ms));
  }
  EXPECT_DOUBLE_EQ(d.pace.rate(), 10);
}

TEST(adaptive_rate, a_pause_does_not_inflate_the_rate_nor_save_up_sendings) {
  driver d({.ceiling = 10, .start = 10});
  d.send(30s, accepted);
  d.now += 24h;
  int sent = 0;
  for (const auto end = d.now + 1s; d.pace.next_send(d.now) < end; ++sent) {
    d.now = d.pace.next_send(d.now);
    d.pace.on_send(d.now, 1);
  }
  EXPECT_LE(sent, 11);
  EXPECT_DOUBLE_EQ(d.pace.rate(), 10);
}

TEST(adaptive_rate, stays_within_floor_and_ceiling) {
  driver d({.floor = 0.5, .ceiling = 6, .start = 1});
  d.send(60s, accepted);
  EXPECT_DOUBLE_EQ(d.pace.rate(), 6);
  EXPECT_EQ(d.pace.phase(), pace_phase::cruising);
  d.send(600s, throttled);
  EXPECT_DOUBLE_EQ(d.pace.rate(), 0.5);
  EXPECT_EQ(d.pace.phase(), pace_phase::blocked);
}

TEST(adaptive_rate, a_refusal_decreases_it_with_its_evidence) {
  driver d({.start = 8});
  d.send(4s, accepted);
  ASSERT_DOUBLE_EQ(d.pace.rate(), 16);
  const auto changes = d.send(50ms, throttled);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].why, pace_reason::throttled);
  EXPECT_EQ(changes[0].rule, "google: too fast");
  EXPECT_EQ(changes[0].counts[std::size_t(throttled)], 1u);
  EXPECT_DOUBLE_EQ(changes[0].old_rate, 16);
  EXPECT_LT(changes[0].new_rate, 8);  // eight was good: it goes under it, so that what overflowed drains
  EXPECT_EQ(d.pace.phase(), pace_phase::recovering);
  const auto back = d.send(5s, accepted);
  ASSERT_GE(back.size(), 1u);
  EXPECT_EQ(back[0].why, pace_reason::recovered);
  EXPECT_DOUBLE_EQ(back[0].new_rate, 0.97 * 8);
}

TEST(adaptive_rate, what_was_begun_before_a_decrease_causes_no_other) {
  driver d({.start = 8});
  d.send(2s, accepted);
  for (int i = 0; i != 10; ++i)
    d.pace.on_send(d.now, 1);
  ASSERT_TRUE(d.result(throttled, d.now, d.now + 100ms));
  const auto rate = d.pace.rate();
  for (int i = 1; i != 10; ++i)
    EXPECT_FALSE(d.result(throttled, d.now, d.now + milliseconds(100 + i)));
  EXPECT_DOUBLE_EQ(d.pace.rate(), rate);
}

TEST(adaptive_rate, one_time_out_is_an_accident_and_a_second_is_not) {
  driver d({.start = 8});
  d.send(2s, accepted);
  EXPECT_TRUE(d.send(50ms, timed_out).empty());
  d.now += 200ms;
  const auto changes = d.send(200ms, timed_out);
  ASSERT_GE(changes.size(), 1u);
  EXPECT_EQ(changes[0].why, pace_reason::timed_out);
  EXPECT_LT(changes[0].new_rate, changes[0].old_rate);
}

TEST(adaptive_rate, a_rising_share_of_deferrals_decreases_it_and_a_steady_one_does_not) {
  driver d({.ceiling = 10, .start = 10});
  for (int i = 0; i != 200; ++i) {
    EXPECT_TRUE(d.send(400ms, accepted).empty());
    EXPECT_TRUE(d.send(100ms, deferred_other).empty()) << i;  // one in five
  }
  const auto changes = d.send(4s, deferred_other);
  ASSERT_GE(changes.size(), 1u);
  EXPECT_EQ(changes[0].why, pace_reason::deferrals_rising);
  EXPECT_GE(changes[0].counts[std::size_t(deferred_other)], 8u);
}

// A fast receiver that defers one in ten at random; a machine that stands still now and then.
TEST(adaptive_rate, chance_and_a_busy_machine_do_not_slow_a_smarthost_down) {
  constexpr unsigned in_flight = 12;
  std::mt19937 random(1);
  for (int begun_anew = 0; begun_anew != 50; ++begun_anew) {
    driver d({.ceiling = 100'000, .start = 100'000});
    std::deque<wall_time> under_way;
    for (int i = 0; i != 20'000; ++i) {
      while (under_way.size() < in_flight && d.pace.next_send(d.now) <= d.now) {
        under_way.push_back(d.now);
        d.pace.on_send(d.now, 6);
      }
      d.now += i % 5000 == 4999 ? 2000ms : i % 4 == 0 ? 1ms : 0ms;
      if (under_way.empty()) continue;
      d.result(random() % 10 == 0 ? deferred_other : accepted, under_way.front(), d.now);
      under_way.pop_front();
      ASSERT_GT(d.pace.rate(), 1000) << "run " << begun_anew << ", message " << i;
    }
  }
}

TEST(adaptive_rate, replies_that_have_nothing_to_do_with_pace_do_not_slow_it) {
  driver d({.start = 4});
  d.send(10s, unrelated);
  EXPECT_GT(d.pace.rate(), 4);
}

TEST(adaptive_rate, too_many_connections_leave_as_many_as_were_open) {
  driver d({.connections_start = 8});
  d.pace.on_send(d.now, 6);
  const auto change = d.result(too_many_connections, d.now, d.now + 50ms, 5);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->why, pace_reason::too_many_connections);
  EXPECT_EQ(change->old_connections, 8u);
  EXPECT_EQ(change->new_connections, 5u);
  EXPECT_DOUBLE_EQ(change->new_rate, change->old_rate);
}

TEST(adaptive_rate, a_site_that_lets_no_connection_in_is_asked_ever_more_rarely) {
  driver d({.start = 4});
  d.send(3600s, too_many_connections);
  EXPECT_EQ(d.pace.phase(), pace_phase::blocked);
  EXPECT_NEAR(d.pace.rate(), 1.0 / 300, 1e-6);
}

TEST(adaptive_rate, goes_back_to_the_last_good_level_after_an_outage) {
  driver d({.ceiling = 20, .start = 20});
  d.send(120s, accepted);
  d.send(120s, throttled);
  ASSERT_EQ(d.pace.phase(), pace_phase::blocked);
  d.send(120s, accepted);
  EXPECT_GT(d.pace.rate(), 15);
}

TEST(adaptive_rate, pinned_it_stays_whatever_the_replies_say) {
  driver d({.start = 4});
  const auto change = d.pace.pin(7, 3, d.now);
  EXPECT_EQ(change.why, pace_reason::pinned);
  EXPECT_TRUE(d.send(30s, throttled).empty());
  EXPECT_TRUE(d.send(30s, accepted).empty());
  EXPECT_DOUBLE_EQ(d.pace.rate(), 7);
  EXPECT_EQ(d.pace.connections(), 3u);
  const auto released = d.pace.release(d.now);
  ASSERT_TRUE(released);
  EXPECT_EQ(released->why, pace_reason::released);
  d.send(120s, accepted);
  EXPECT_GT(d.pace.rate(), 7);
  EXPECT_FALSE(d.pace.release(d.now));
}

TEST(adaptive_rate, a_lower_ceiling_takes_effect_at_once) {
  driver d({.start = 64});
  const auto change = d.pace.reconfigure({.ceiling = 10, .connections_max = 1}, d.now);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->why, pace_reason::policy);
  EXPECT_DOUBLE_EQ(d.pace.rate(), 10);
  EXPECT_EQ(d.pace.connections(), 1u);
  EXPECT_FALSE(d.pace.reconfigure({.ceiling = 10, .connections_max = 1}, d.now));
}

TEST(adaptive_rate, a_clock_that_goes_back_makes_it_wait_and_not_hurry) {
  driver d({.start = 10});
  d.send(5s, accepted);
  const auto next = d.pace.next_send(d.now);
  EXPECT_GE(d.pace.next_send(d.now - 1h), next - 1ms);
  d.pace.on_send(d.now - 1h, 1);
  EXPECT_GE(d.pace.next_send(d.now - 1h), next);
}

// ---- against a provider that doesn't tell its limits: an hour, after ten minutes to find them ----------------------

struct share {
  double goodput_least, deferred_most;
};

void expect_found(const provider_shape& shape, share target = {0.90, 0.02}, unsigned seeds = 4) {
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    adaptive_rate pace({.connections_max = 100}, start);
    modelled_sender sender(shape, pace, start, seed);
    sender.run(start, start + 10min);
    const auto tally = sender.run(start + 10min, start + 70min);
    EXPECT_GE(tally.goodput(), target.goodput_least) << "seed " << seed;
    EXPECT_LE(tally.deferred_share(), target.deferred_most) << "seed " << seed;
  }
}

const std::vector<provider_shape::phase> steps{{600s, 20}, {600s, 5}, {600s, 60}, {600s, 20}};

TEST(adaptive_rate, finds_a_limit_of_1_a_second) {
  expect_found({.phases = {{600s, 1}}});
}
TEST(adaptive_rate, finds_a_limit_of_5_a_second) {
  expect_found({.phases = {{600s, 5}}}, {0.97, 0.01});
}
TEST(adaptive_rate, finds_a_limit_of_20_a_second) {
  expect_found({.phases = {{600s, 20}}}, {0.97, 0.005});
}
TEST(adaptive_rate, finds_a_limit_of_200_a_second) {
  expect_found({.phases = {{600s, 200}}}, {0.97, 0.005}, 1);
}
TEST(adaptive_rate, follows_a_limit_that_steps_down_and_up) {
  expect_found({.phases = steps});
}
TEST(adaptive_rate, follows_steps_behind_a_tarpit) {
  expect_found({.phases = {{600s, 20}, {600s, 5}, {600s, 30}, {600s, 20}}, .tarpits = true});
}
TEST(adaptive_rate, finds_the_limit_of_a_tarpit) {
  expect_found({.phases = {{600s, 20}}, .tarpits = true});
}
TEST(adaptive_rate, finds_a_limit_that_punishes_for_five_minutes) {
  expect_found({.phases = {{600s, 20}}, .penalty = 300s});
}
TEST(adaptive_rate, finds_a_limit_among_deferrals_that_mean_nothing) {
  expect_found({.phases = {{600s, 20}}, .random_deferrals = 0.05});
}
TEST(adaptive_rate, finds_a_limit_behind_slow_replies) {
  expect_found({.phases = {{600s, 5}}, .latency = 2000ms});
}
TEST(adaptive_rate, finds_a_quota_of_600_a_minute) {
  expect_found({.quota = 600, .quota_window = 60s});
}
TEST(adaptive_rate, finds_a_quota_of_30_a_minute) {
  expect_found({.quota = 30, .quota_window = 60s});
}
TEST(adaptive_rate, finds_a_quota_of_7200_an_hour) {
  expect_found({.quota = 7200, .quota_window = 3600s}, {0.97, 0.02}, 1);
}
TEST(adaptive_rate, finds_a_limit_of_five_connections) {
  expect_found({.connections = 5}, {0.95, 0.005});
}

// A smarthost's rate begins at the ceiling, which is never used.
TEST(adaptive_rate, comes_down_from_what_was_sent_and_not_from_what_might_have_been) {
  driver d({.ceiling = 100'000, .start = 100'000});
  for (int i = 0; i < 20; ++i)
    d.pace.on_send(d.now += 10ms, 1);
  d.result(accepted, d.now, d.now + 100ms);
  d.now += 100ms;
  d.pace.on_send(d.now, 1);
  const auto cut = d.result(throttled, d.now, d.now + 100ms);
  ASSERT_TRUE(cut);
  EXPECT_DOUBLE_EQ(cut->old_rate, 100'000);
  EXPECT_LE(cut->new_rate, 2 * 21);
  EXPECT_GE(cut->new_rate, 10);
}

TEST(adaptive_rate, finds_a_quota_from_a_start_that_is_far_too_high) {
  for (const auto& [quota, window] : {std::pair{20u, 5s}, std::pair{20u, 60s}, std::pair{600u, 60s}}) {
    for (unsigned seed = 1; seed <= 4; ++seed) {
      adaptive_rate pace({.ceiling = 100'000, .start = 100'000}, start);
      modelled_sender sender({.quota = quota, .quota_window = window}, pace, start, seed);
      const auto first = sender.run(start, start + 10 * window);
      EXPECT_GE(first.goodput(), 0.85) << quota << " in " << window.count() << " s, seed " << seed;
      EXPECT_LE(first.deferred_share(), 0.25) << quota << " in " << window.count() << " s, seed " << seed;
      const auto then = sender.run(start + 10 * window, start + 70 * window);
      EXPECT_GE(then.goodput(), 0.9) << quota << " in " << window.count() << " s, seed " << seed;
      EXPECT_LE(then.deferred_share(), 0.02) << quota << " in " << window.count() << " s, seed " << seed;
    }
  }
}

// By refusals in a row that others had caused, or a limit that has gone: what is accepted so far down earns no probe.
TEST(adaptive_rate, climbs_out_when_it_is_far_below_what_was_good_an_hour_ago) {
  driver d({.start = 10});
  d.send(60s, accepted);
  ASSERT_GE(d.pace.rate(), 10);
  for (int i = 0; i < 400 && d.pace.rate() > 0.05; ++i) {
    d.now += 10s;
    d.pace.on_send(d.now, 1);
    d.result(accepted, d.now, d.now + 100ms);
    d.now += 1s;
    d.pace.on_send(d.now, 1);
    d.result(throttled, d.now, d.now + 100ms);
  }
  ASSERT_LE(d.pace.rate(), 0.05);
  for (auto passed = 0min; passed < 3h && d.pace.rate() < 5; passed += 1min)
    d.send(1min, accepted);
  EXPECT_GE(d.pace.rate(), 5);
}

// Where the target is not met, so far: what is promised all the same.
TEST(adaptive_rate, a_small_quota_of_an_hour_is_used_up_yet_asked_for_too_often_in_the_first) {
  expect_found({.quota = 500, .quota_window = 3600s}, {0.99, 0.12});
}
TEST(adaptive_rate, steps_that_also_punish_are_followed_slowly_and_politely) {
  expect_found({.phases = steps, .penalty = 60s}, {0.4, 0.02});
}

TEST(adaptive_rate, steps_behind_a_bucket_of_ten_seconds_are_followed_with_some_overshoot) {
  expect_found({.phases = steps, .bucket_seconds = 10}, {0.8, 0.02});
}

TEST(adaptive_rate, a_run_can_be_repeated) {
  pace_tally runs[2];
  for (auto& tally : runs) {
    adaptive_rate pace({}, start);
    modelled_sender sender({.phases = steps}, pace, start, 7);
    tally = sender.run(start, start + 20min);
  }
  EXPECT_EQ(runs[0].attempts, runs[1].attempts);
  EXPECT_EQ(runs[0].accepted, runs[1].accepted);
}

}  // namespace
}  // namespace gonets::shaping
