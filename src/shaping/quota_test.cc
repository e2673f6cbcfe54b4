#include "shaping/quota.h"

#include <gtest/gtest.h>

namespace gonets::shaping {
namespace {

using namespace std::chrono;
using enum quota_window;
using enum quota_measure;

wall_time at(int y, unsigned m, unsigned d, int h = 0, int min = 0, int s = 0) {
  return sys_days{std::chrono::year{y} / std::chrono::month{m} / std::chrono::day{d}} + hours{h} + minutes{min} +
         seconds{s};
}

quota of(quota_window w, quota_measure m, std::uint64_t max, std::string stream = "") {
  return {w, m, max, std::move(stream)};
}

constexpr quota_charge one_to_three{1, 3, 1000};

TEST(quota, windows_are_those_of_the_calendar) {
  const auto now = at(2024, 2, 29, 13, 59, 58);
  EXPECT_EQ(window_start(minute, now), at(2024, 2, 29, 13, 59));
  EXPECT_EQ(window_end(minute, now), at(2024, 2, 29, 14));
  EXPECT_EQ(window_start(hour, now), at(2024, 2, 29, 13));
  EXPECT_EQ(window_end(day, now), at(2024, 3, 1));
  EXPECT_EQ(window_start(quota_window::month, now), at(2024, 2, 1));
  EXPECT_EQ(window_end(quota_window::month, now), at(2024, 3, 1));
  EXPECT_EQ(window_end(quota_window::month, at(2025, 12, 31, 23, 59, 59)), at(2026, 1, 1));
}

TEST(quota, a_counter_begins_anew_with_each_window) {
  quota_counter c;
  c.add(one_to_three, at(2026, 1, 31, 23, 59, 59));
  c.add(one_to_three, at(2026, 1, 31, 23, 59, 59));
  EXPECT_EQ(c.used(minute, recipients, at(2026, 1, 31, 23, 59, 0)), 6u);
  EXPECT_EQ(c.used(minute, recipients, at(2026, 2, 1)), 0u);
  c.add(one_to_three, at(2026, 2, 1));
  EXPECT_EQ(c.used(quota_window::month, messages, at(2026, 2, 28)), 1u);
  EXPECT_EQ(c.used(quota_window::month, bytes, at(2026, 3, 1)), 0u);
}

TEST(quota, a_clock_that_goes_back_does_not_open_a_window_anew) {
  quota_counter c;
  c.add(one_to_three, at(2026, 5, 2, 0, 0, 1));
  c.add(one_to_three, at(2026, 5, 1, 23, 59, 59));
  EXPECT_EQ(c.used(day, messages, at(2026, 5, 1, 23, 59, 59)), 2u);
  EXPECT_EQ(c.used(day, messages, at(2026, 5, 2, 1)), 2u);
}

TEST(quota, what_is_taken_back_is_free_again_unless_its_window_has_gone_by) {
  quota_counter c;
  c.add(one_to_three, at(2026, 5, 1, 10, 59, 59));
  c.add(one_to_three, at(2026, 5, 1, 11, 0, 0));
  c.take_back(one_to_three, at(2026, 5, 1, 10, 59, 59));
  EXPECT_EQ(c.used(hour, recipients, at(2026, 5, 1, 11)), 3u);
  EXPECT_EQ(c.used(day, recipients, at(2026, 5, 1, 11)), 3u);
}

TEST(quota, the_last_that_fits_is_the_one_that_reaches_the_maximum) {
  const std::vector<quota> quotas{of(hour, recipients, 6)};
  quota_counter c;
  const auto now = at(2026, 5, 1, 10, 30);
  EXPECT_FALSE(find_excess(quotas, c, c, "bulk", one_to_three, now));
  c.add(one_to_three, now);
  EXPECT_FALSE(find_excess(quotas, c, c, "bulk", one_to_three, now));
  c.add(one_to_three, now);
  const auto excess = find_excess(quotas, c, c, "bulk", quota_charge{1, 1, 1}, now);
  ASSERT_TRUE(excess);
  EXPECT_EQ(excess->used, 6u);
  EXPECT_EQ(to_text(*excess), "over the quota of 6 recipients an hour; it resets at 2026-05-01T11:00:00Z");
  EXPECT_FALSE(find_excess(quotas, c, c, "bulk", quota_charge{1, 1, 1}, at(2026, 5, 1, 11)));
}

TEST(quota, names_the_one_that_lasts_longest) {
  const std::vector<quota> quotas{of(minute, messages, 0), of(quota_window::month, messages, 0), of(day, messages, 0)};
  const quota_counter none;
  EXPECT_EQ(find_excess(quotas, none, none, "", one_to_three, at(2026, 5, 1))->which.window, quota_window::month);
}

TEST(quota, of_a_stream_counts_that_stream_alone) {
  const std::vector<quota> quotas{of(day, messages, 1, "bulk")};
  const auto now = at(2026, 5, 1);
  quota_counter whole, bulk;
  whole.add(one_to_three, now);
  EXPECT_FALSE(find_excess(quotas, whole, bulk, "bulk", one_to_three, now));
  bulk.add(one_to_three, now);
  EXPECT_TRUE(find_excess(quotas, whole, bulk, "bulk", one_to_three, now));
  EXPECT_FALSE(find_excess(quotas, whole, whole, "transactional", one_to_three, now));
}

TEST(quota, a_huge_charge_does_not_wrap_around) {
  const std::vector<quota> quotas{of(day, bytes, 10)};
  quota_counter c;
  c.add({0, 0, 5}, at(2026, 5, 1));
  EXPECT_TRUE(find_excess(quotas, c, c, "", quota_charge{0, 0, ~0ull}, at(2026, 5, 1)));
}

TEST(quota, words_are_read_as_they_are_written) {
  for (const auto w : {minute, hour, day, quota_window::month})
    EXPECT_EQ(parse_quota_window(to_text(w)), w);
  for (const auto m : {messages, recipients, bytes})
    EXPECT_EQ(parse_quota_measure(to_text(m)), m);
  EXPECT_FALSE(parse_quota_window("week"));
  EXPECT_FALSE(parse_quota_measure(""));
}

}  // namespace
}  // namespace gonets::shaping
