#include "shaping/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;

constexpr wall_time accepted{1'790'000'000'000ms};
constexpr message_id id{0x0123456789abcdef};

retry_policy steady_policy() {
  return {.delays = {1min, 5min}, .jitter = 0, .expires_after = 1h, .delay_notice_after = 10min};
}

TEST(retry, takes_the_delays_in_turn_and_repeats_the_last) {
  const auto policy = steady_policy();
  EXPECT_EQ(next_attempt(policy, id, 1, accepted, accepted + 2s), accepted + 2s + 1min);
  EXPECT_EQ(next_attempt(policy, id, 2, accepted, accepted + 2min), accepted + 7min);
  EXPECT_EQ(next_attempt(policy, id, 3, accepted, accepted + 8min), accepted + 13min);
  EXPECT_EQ(next_attempt(policy, id, 4'000'000'000, accepted, accepted + 20min), accepted + 25min);
}

TEST(retry, makes_the_last_attempt_at_expiry_and_none_after) {
  const auto policy = steady_policy();
  EXPECT_EQ(next_attempt(policy, id, 9, accepted, accepted + 55min - 1ms), accepted + 1h - 1ms);
  EXPECT_EQ(next_attempt(policy, id, 9, accepted, accepted + 55min), accepted + 1h);
  EXPECT_EQ(next_attempt(policy, id, 9, accepted, accepted + 1h - 1ms), accepted + 1h);
  EXPECT_EQ(next_attempt(policy, id, 10, accepted, accepted + 1h), std::nullopt);
  EXPECT_EQ(next_attempt(policy, id, 10, accepted, accepted + 100h), std::nullopt);
}

TEST(retry, gives_the_same_time_for_the_same_message_and_attempt) {
  const auto policy = default_retry_policy();
  EXPECT_EQ(next_attempt(policy, id, 3, accepted, accepted), next_attempt(policy, id, 3, accepted, accepted));
  // A golden value: a release that changes it moves every queued message.
  EXPECT_EQ(next_attempt(policy, id, 3, accepted, accepted), accepted + 901938ms);
}

TEST(retry, spreads_messages_within_the_jitter_and_over_all_of_it) {
  const auto policy = default_retry_policy();
  auto earliest = wall_time::max();
  auto latest = wall_time::min();
  std::set<wall_time> distinct;
  for (std::uint64_t n = 1; n <= 1000; ++n) {
    const auto at = *next_attempt(policy, message_id{n}, 3, accepted, accepted);
    earliest = std::min(earliest, at);
    latest = std::max(latest, at);
    distinct.insert(at);
  }
  EXPECT_GE(earliest, accepted + 15min - 90s);
  EXPECT_LE(latest, accepted + 15min + 90s);
  EXPECT_LT(earliest, accepted + 15min - 85s);
  EXPECT_GT(latest, accepted + 15min + 85s);
  EXPECT_GT(distinct.size(), 950u);
}

TEST(retry, never_goes_back_in_time_whatever_the_jitter) {
  auto policy = steady_policy();
  policy.jitter = 7;
  for (std::uint64_t n = 1; n <= 100; ++n) {
    EXPECT_GE(*next_attempt(policy, message_id{n}, 1, accepted, accepted), accepted);
  }
}

TEST(retry, survives_an_endless_delay) {
  auto policy = steady_policy();
  policy.delays = {std::chrono::milliseconds::max() / 2};
  EXPECT_EQ(next_attempt(policy, id, 1, accepted, accepted), accepted + 1h);
}

TEST(retry, tries_only_at_expiry_without_delays) {
  auto policy = steady_policy();
  policy.delays.clear();
  EXPECT_EQ(next_attempt(policy, id, 1, accepted, accepted), accepted + 1h);
}

TEST(retry, keeps_trying_for_days_by_default) {
  const auto policy = default_retry_policy();
  auto now = accepted;
  unsigned attempts = 1;
  for (; const auto next = next_attempt(policy, id, attempts, accepted, now); ++attempts) {
    EXPECT_GT(*next, now);
    now = *next;
  }
  EXPECT_EQ(now, accepted + 5 * 24h);
  EXPECT_GT(attempts, 30u);
  EXPECT_LT(attempts, 40u);
  EXPECT_EQ(policy.delay_notice_after, 4h);
}

TEST(retry, gives_bulk_up_after_two_days) {
  EXPECT_EQ(bulk_retry_policy().expires_after, 2 * 24h);
  EXPECT_EQ(bulk_retry_policy().delays, default_retry_policy().delays);
}

}  // namespace
}  // namespace gonets::shaping
