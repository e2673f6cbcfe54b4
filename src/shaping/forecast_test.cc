#include "shaping/forecast.h"

#include <gtest/gtest.h>

namespace gonets::shaping {
namespace {

TEST(forecast, counts_what_is_left_of_hours_and_days_and_spreads_shorter_limits) {
  EXPECT_EQ(cap_of("x", 100, 3600, 3600), (rate_cap{"x", 1, 3500}));
  EXPECT_EQ(cap_of("x", 4000, 3600, 3600), (rate_cap{"x", 1, 0}));
  EXPECT_EQ(cap_of("x", 0, 30, 60), (rate_cap{"x", 0.5, 0}));
}

TEST(forecast, is_bounded_by_the_pace_and_by_what_waits_already) {
  const auto line = forecast({{.recipients = 100, .ahead = 20, .pace = 2, .pace_why = "pace"}})[0];
  EXPECT_EQ(line.seconds, 60);
  EXPECT_EQ(line.bound_by, "pace");
}

TEST(forecast, lets_sites_that_share_a_limit_end_together) {
  const rate_cap both{"10 messages a second for the server", 10, 0};
  const auto lines = forecast({{.recipients = 100, .pace = 50, .pace_why = "pace", .caps = {both}},
                               {.recipients = 900, .pace = 50, .pace_why = "pace", .caps = {both}},
                               {.recipients = 50, .pace = 1, .pace_why = "pace"}});
  EXPECT_EQ(lines[0].seconds, 100);
  EXPECT_EQ(lines[1].seconds, 100);
  EXPECT_EQ(lines[0].bound_by, both.what);
  EXPECT_EQ(lines[2].seconds, 50);
}

TEST(forecast, sends_at_once_what_an_hour_or_day_has_left) {
  const rate_cap day{"86400 messages a day", 1, 1000};
  EXPECT_EQ(forecast({{.recipients = 900, .caps = {day}}})[0].seconds, 0);
  EXPECT_EQ(forecast({{.recipients = 1500, .caps = {day}}})[0].seconds, 500);
}

TEST(forecast, waits_for_a_site_that_is_held_and_never_ends_behind_a_limit_of_nothing) {
  const auto held =
      forecast({{.recipients = 10, .starts_in = 300, .starts_why = "held", .pace = 1, .pace_why = "p"}})[0];
  EXPECT_EQ(held.seconds, 310);
  EXPECT_EQ(held.bound_by, "held");
  const auto never =
      forecast({{.recipients = 10, .pace = 1, .pace_why = "p", .caps = {{"0 messages a day", 0, 0}}}})[0];
  EXPECT_FALSE(never.seconds);
  EXPECT_EQ(never.bound_by, "0 messages a day");
}

TEST(forecast, says_when_nothing_bounds_a_site) {
  const auto line = forecast({{.recipients = 10}})[0];
  EXPECT_EQ(line.seconds, 0);
  EXPECT_EQ(line.bound_by, "");
}

TEST(forecast, ends_with_the_last_and_tells_what_its_limit_costs) {
  const rate_cap slow{"two a second", 2, 0}, slower{"one in two seconds", 0.5, 0};
  const std::vector<forecast_site> sites{{.recipients = 100, .caps = {slow}},
                                         {.recipients = 100, .caps = {slow, slower}}};
  const auto end = end_of(forecast(sites));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->site, 1u);
  EXPECT_EQ(end->line.seconds, 200);
  // The other limit is shared by both.
  EXPECT_EQ(end_of(forecast(without(sites, *end)))->line.seconds, 100);
  EXPECT_EQ(end_of(forecast(without(sites, *end)))->line.bound_by, slow.what);
  EXPECT_FALSE(end_of({}));
}

TEST(forecast, ends_never_where_one_never_ends) {
  const auto end = end_of(forecast({{.recipients = 1, .caps = {{"closed", 0, 0}}}, {.recipients = 5, .pace = 1}}));
  EXPECT_EQ(end->site, 0u);
  EXPECT_FALSE(end->line.seconds);
}

}  // namespace
}  // namespace gonets::shaping
