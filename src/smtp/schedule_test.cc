#include "smtp/schedule.h"

#include <gtest/gtest.h>

namespace gonets::smtp {
namespace {
using namespace std::chrono_literals;

TEST(schedule, reads_times_in_utc_and_no_others) {
  EXPECT_EQ(parse_utc_time("2025-03-01T12:00:00Z"), wall_time(1'740'830'400'000ms));
  EXPECT_EQ(parse_utc_time("2025-03-01T12:00:00.25Z"), wall_time(1'740'830'400'000ms));
  for (const auto* wrong :
       {"", "Z", "2025-03-01", "2025-03-01T12:00:00", "2025-03-01T12:00:00+01:00", "2025-02-30T12:00:00Z",
        "2025-03-01T24:00:00Z", "2025-03-01T12:60:00Z", "2025-03-01 12:00:00Z", "2025-03-01T12:00:00.Z",
        "2025-03-01T12:00:00xZ", "25-03-01T12:00:00Z", "2025-3-01T12:00:000Z", "-025-03-01T12:00:00Z"})
    EXPECT_FALSE(parse_utc_time(wrong)) << wrong;
}

TEST(schedule, reads_how_long_to_hold) {
  mail_schedule s;
  EXPECT_TRUE(parse_hold_for("3600", s));
  EXPECT_EQ(s.hold_for, 3600s);
  for (const auto* wrong : {"", "0", "-1", "+1", "1h", "1000000000", "1 "})
    EXPECT_FALSE(parse_hold_for(wrong, s)) << wrong;
}

TEST(schedule, reads_by_when_and_what_then) {
  const auto by = [](std::string_view text) {
    mail_schedule s;
    EXPECT_TRUE(parse_by(text, s)) << text;
    return std::tuple(s.by->count(), s.by_return, s.by_trace);
  };
  EXPECT_EQ(by("120;R"), std::tuple(120l, true, false));
  EXPECT_EQ(by("+120;rt"), std::tuple(120l, true, true));
  EXPECT_EQ(by("-5;N"), std::tuple(-5l, false, false));
  EXPECT_EQ(by("0;NT"), std::tuple(0l, false, true));
  mail_schedule s;
  for (const auto* wrong :
       {"", "120", "120;", ";R", "120;X", "120;RR", "120;RTT", "0;R", "-1;R", "1234567890;N", "1.5;N"})
    EXPECT_FALSE(parse_by(wrong, s)) << wrong;
}

}  // namespace
}  // namespace gonets::smtp
