#include "shaping/retry_hint.h"

#include <gtest/gtest.h>

#include "shaping/text_pattern.h"

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

std::optional<milliseconds> hint(std::string_view text) {
  return retry_hint(fold(text));
}

TEST(retry_hint, reads_the_time_however_it_is_put) {
  EXPECT_EQ(hint("Greylisted, please try again in 300 seconds"), 300s);
  EXPECT_EQ(hint("Greylisted for 5 minutes (see http://example.test)"), 5min);
  EXPECT_EQ(hint("Greylisting in action, please come back in 00:04:59"), 4min + 59s);
  EXPECT_EQ(hint("come back in 04:59"), 4min + 59s);
  EXPECT_EQ(hint("try again after at least 10 min."), 10min);
  EXPECT_EQ(hint("please retry in 90s"), 90s);
  EXPECT_EQ(hint("please wait about 2 hours"), 2h);
  EXPECT_EQ(hint("try again in 1 hour 30 minutes"), 90min);
  EXPECT_EQ(hint("try again in 4m59s"), 4min + 59s);
  EXPECT_EQ(hint("Bitte versuchen Sie es in 5 Minuten erneut: in 5 Minuten"), 5min);
}

TEST(retry_hint, stays_between_half_a_minute_and_six_hours) {
  EXPECT_EQ(hint("try again in 1 second"), retry_hint_min);
  EXPECT_EQ(hint("try again in 0 seconds"), retry_hint_min);
  EXPECT_EQ(hint("try again in 9999999 hours"), retry_hint_max);
}

TEST(retry_hint, numbers_that_are_no_time_to_wait_are_passed_over) {
  for (const char* text : {"", "try again later", "greylisted", "try again in a minute", "try again in 5",
                           "4.7.1 greylisted by 192.0.2.1", "in 300 messages", "300 seconds", "limit of 60 minutes",
                           "try again in 99999999999999999999 seconds", "in 5 monkeys", "in 12:99"}) {
    EXPECT_EQ(hint(text), std::nullopt) << text;
  }
}

TEST(retry_hint, finds_the_time_behind_other_numbers) {
  EXPECT_EQ(hint("host mx7 in 4.7.1 greylisted 192.0.2.1; retry after 120 seconds"), 120s);
}

}  // namespace
}  // namespace gonets::shaping
