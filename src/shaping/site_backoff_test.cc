#include "shaping/site_backoff.h"

#include <gtest/gtest.h>

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;

constexpr wall_time t0{1'790'000'000'000ms};

// Fails, waits, probes, fails, ... `times` times in all; the time at which the last suspension began.
wall_time fail_in_a_row(site_backoff& site, int times) {
  auto now = t0;
  site.connect_failed(now, "connection refused");
  for (int i = 1; i < times; ++i) {
    now = *site.next_ready(now);
    EXPECT_TRUE(site.admit(now));
    site.connect_failed(now, "connection refused");
  }
  return now;
}

TEST(site_backoff, admits_any_number_when_ready) {
  site_backoff site;
  EXPECT_EQ(site.state(), site_state::ready);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(site.admit(t0));
  EXPECT_EQ(site.next_ready(t0), t0);
  EXPECT_EQ(site.reason(), "");
}

TEST(site_backoff, suspends_on_failure_until_the_base_has_passed) {
  site_backoff site(1s);
  site.connect_failed(t0, "connection timed out");
  EXPECT_EQ(site.state(), site_state::suspended);
  EXPECT_EQ(site.reason(), "connection timed out");
  EXPECT_EQ(site.next_ready(t0), t0 + 1s);
  EXPECT_FALSE(site.admit(t0 + 1s - 1ms));
  EXPECT_TRUE(site.admit(t0 + 1s));
}

TEST(site_backoff, lets_exactly_one_probe_through) {
  site_backoff site(1s);
  site.connect_failed(t0, "x");
  EXPECT_TRUE(site.admit(t0 + 1h));
  EXPECT_EQ(site.state(), site_state::probing);
  EXPECT_FALSE(site.admit(t0 + 2h));
  EXPECT_EQ(site.next_ready(t0 + 2h), std::nullopt);
}

TEST(site_backoff, doubles_up_to_fifteen_minutes_by_default) {
  const std::chrono::seconds expected[] = {30s, 60s, 120s, 240s, 480s, 900s, 900s};
  int times = 0;
  for (const auto suspension : expected) {
    site_backoff site;
    const auto began = fail_in_a_row(site, ++times);
    EXPECT_EQ(site.next_ready(began), began + suspension) << times;
  }
}

TEST(site_backoff, does_not_grow_past_the_maximum_after_very_many_failures) {
  site_backoff site(1s, 30s);
  const auto began = fail_in_a_row(site, 100);
  EXPECT_EQ(site.next_ready(began), began + 30s);
  EXPECT_EQ(site.failures_in_a_row(), 100u);
}

TEST(site_backoff, becomes_ready_and_forgets_when_the_probe_succeeds) {
  site_backoff site(1s);
  const auto now = *site.next_ready(fail_in_a_row(site, 3));
  ASSERT_TRUE(site.admit(now));
  site.succeeded();
  EXPECT_EQ(site.state(), site_state::ready);
  EXPECT_EQ(site.reason(), "");
  site.connect_failed(now, "again");
  EXPECT_EQ(site.next_ready(now), now + 1s);
}

TEST(site_backoff, counts_a_burst_of_failures_once) {
  site_backoff site(1s);
  site.connect_failed(t0, "first");
  site.connect_failed(t0 + 500ms, "second");
  site.connect_failed(t0 + 5s, "late");
  EXPECT_EQ(site.failures_in_a_row(), 1u);
  EXPECT_EQ(site.next_ready(t0), t0 + 1s);
  EXPECT_EQ(site.reason(), "first");
}

TEST(site_backoff, believes_a_late_success_while_suspended) {
  site_backoff site(1s);
  site.connect_failed(t0, "x");
  site.succeeded();
  EXPECT_TRUE(site.admit(t0));
  EXPECT_EQ(site.state(), site_state::ready);
}

TEST(site_backoff, lets_another_probe_through_when_one_was_abandoned) {
  site_backoff site(1s);
  const auto now = *site.next_ready(fail_in_a_row(site, 2)) + 1s;
  ASSERT_TRUE(site.admit(now));
  site.probe_abandoned(now);
  EXPECT_EQ(site.state(), site_state::suspended);
  EXPECT_EQ(site.failures_in_a_row(), 2u);
  EXPECT_EQ(site.next_ready(now), now);
  EXPECT_TRUE(site.admit(now));
}

TEST(site_backoff, keeps_the_suspension_when_no_probe_was_abandoned) {
  site_backoff site(1s);
  site.probe_abandoned(t0);
  EXPECT_EQ(site.state(), site_state::ready);
  site.connect_failed(t0, "x");
  site.probe_abandoned(t0);
  EXPECT_FALSE(site.admit(t0));
}

}  // namespace
}  // namespace gonets::shaping
