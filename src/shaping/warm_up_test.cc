#include "shaping/warm_up.h"

#include <gtest/gtest.h>

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;

constexpr wall_time start{1'800'000'000'000ms};

TEST(warm_up, grows_from_the_first_day_to_the_last_by_the_same_factor) {
  const warm_up_plan plan{.first_day = 10, .last_day = 10'000, .days = 4};
  EXPECT_EQ(cap_of(plan, 1), 10u);
  EXPECT_EQ(cap_of(plan, 2), 100u);
  EXPECT_EQ(cap_of(plan, 3), 1000u);
  EXPECT_EQ(cap_of(plan, 4), 10'000u);
  EXPECT_EQ(cap_of(plan, 5), std::nullopt);
}

TEST(warm_up, grows_by_the_same_number_where_it_is_linear) {
  const warm_up_plan plan{.first_day = 10, .last_day = 40, .days = 4, .curve = warm_up_curve::linear};
  EXPECT_EQ(cap_of(plan, 2), 20u);
  EXPECT_EQ(cap_of(plan, 3), 30u);
  const warm_up_plan of_a_day{.first_day = 7, .last_day = 9, .days = 1};
  EXPECT_EQ(cap_of(of_a_day, 1), 7u);
  EXPECT_EQ(cap_of(of_a_day, 2), std::nullopt);
}

TEST(warm_up, goes_on_after_a_day_that_went_well_and_was_used) {
  const warm_up_plan plan{.first_day = 100, .last_day = 1000, .days = 10};
  warm_up_day at{.since = start, .accepted = 50, .deferred = 5};
  EXPECT_FALSE(review(plan, at, start + 24h - 1ms));
  const auto step = review(plan, at, start + 24h);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->next, (warm_up_day{.day = 2, .since = start + 24h}));
  EXPECT_EQ(step->why, "50 accepted, 5 deferred");
  at.accepted = 49;
  EXPECT_EQ(review(plan, at, start + 24h)->next.day, 1u) << "less than half of what it might was seen of it";
  EXPECT_FALSE(review(plan, {.since = start}, start + 240h)) << "nothing was sent";
}

TEST(warm_up, steps_back_at_once_when_too_much_is_deferred_but_once_a_day) {
  const warm_up_plan plan{.first_day = 100, .last_day = 1000, .days = 10, .deferred_max = 0.1};
  EXPECT_FALSE(review(plan, {.day = 5, .since = start, .accepted = 16, .deferred = 3}, start + 1h)) << "too few to say";
  EXPECT_FALSE(review(plan, {.day = 5, .since = start, .accepted = 90, .deferred = 10}, start + 1h));
  auto at = review(plan, {.day = 5, .since = start, .accepted = 89, .deferred = 11}, start + 1h)->next;
  EXPECT_EQ(at, (warm_up_day{.day = 4, .since = start + 1h, .fell_back = true}));
  at.deferred = 1000;
  EXPECT_FALSE(review(plan, at, start + 24h));
  at = review(plan, at, start + 25h)->next;
  EXPECT_EQ(at, (warm_up_day{.day = 3, .since = start + 25h, .fell_back = true}));
  const auto first = review(plan, {.day = 1, .since = start, .deferred = 50}, start + 1h);
  EXPECT_EQ(first->next.day, 1u) << "there is nothing before the first";
  EXPECT_TRUE(first->next.fell_back);
}

TEST(warm_up, steps_back_when_too_many_complain) {
  const warm_up_plan plan{.first_day = 100, .last_day = 1000, .days = 10, .complained_max = 0.01};
  EXPECT_FALSE(review(plan, {.day = 5, .since = start, .accepted = 50, .complained = 2}, start + 1h)) << "a chance";
  EXPECT_FALSE(review(plan, {.day = 5, .since = start, .accepted = 300, .complained = 3}, start + 1h));
  EXPECT_EQ(review(plan, {.day = 5, .since = start, .accepted = 299, .complained = 3}, start + 1h)->next.day, 4u);
}

TEST(warm_up, is_over_behind_the_last_day) {
  const warm_up_plan plan{.first_day = 10, .last_day = 20, .days = 2};
  const auto last = review(plan, {.day = 2, .since = start, .accepted = 20}, start + 24h);
  ASSERT_TRUE(last);
  EXPECT_EQ(cap_of(plan, last->next.day), std::nullopt);
  EXPECT_FALSE(review(plan, {.day = 3, .since = start, .deferred = 1000}, start + 48h));
}

TEST(warm_up, is_kept_as_the_format_says) {
  const warm_up_day at{.day = 4, .since = start, .accepted = 300, .deferred = 2, .complained = 1, .fell_back = true};
  const auto value = warm_up_value(at);
  EXPECT_EQ(value, std::string("\x04\x00\x00\x01\xa3\x18\x5c\x50\x00\xac\x02\x02\x01\x01", 14));
  EXPECT_EQ(read_warm_up(value), at);
  EXPECT_FALSE(read_warm_up(value.substr(0, value.size() - 1)));
  EXPECT_FALSE(read_warm_up(""));
}

}  // namespace
}  // namespace gonets::shaping
