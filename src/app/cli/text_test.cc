#include "app/cli/text.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace gonets::app::cli {
namespace {
using namespace std::chrono_literals;

const wall_time noon{std::chrono::milliseconds(1'740'830'400'000)};  // 2025-03-01T12:00:00Z

TEST(relative_time, is_in_the_largest_unit_that_fits_rounded_down) {
  EXPECT_EQ(relative_time(noon, noon), "now");
  EXPECT_EQ(relative_time(noon - 999ms, noon), "now");
  EXPECT_EQ(relative_time(noon - 1s, noon), "1s ago");
  EXPECT_EQ(relative_time(noon - 59s, noon), "59s ago");
  EXPECT_EQ(relative_time(noon - 3min - 59s, noon), "3m ago");
  EXPECT_EQ(relative_time(noon - 60min, noon), "1h ago");
  EXPECT_EQ(relative_time(noon - 47h, noon), "47h ago");
  EXPECT_EQ(relative_time(noon - 48h, noon), "2d ago");
}

TEST(relative_time, tells_the_future_from_the_past) {
  EXPECT_EQ(relative_time(noon + 999ms, noon), "now");
  EXPECT_EQ(relative_time(noon + 12min, noon), "in 12m");
}

TEST(time_text, is_read_as_the_api_writes_it) {
  EXPECT_EQ(parse_time("2025-03-01T12:00:00.000Z"), noon);
  EXPECT_EQ(parse_time("2025-03-01T12:00:00.007Z"), noon + 7ms);
  EXPECT_EQ(parse_time("2025-03-01T12:00:00Z"), noon);
  EXPECT_EQ(parse_time("2025-03-01"), noon - 12h);
  EXPECT_EQ(full_time(noon + 7ms), "2025-03-01 12:00:00Z");
}

TEST(time_text, other_text_is_no_time) {
  for (const auto* bad :
       {"", "2025-03-1", "2025-03-01T", "2025-03-01T12", "2025-03-01 12:00:00.000Z", "2025-13-01T12:00:00.000Z",
        "2025-02-30T12:00:00.000Z", "2025-03-01T24:00:00.000Z", "2025-03-01T12:00:00.-07Z"}) {
    EXPECT_EQ(parse_time(bad), std::nullopt) << bad;
  }
}

TEST(printable_text, cannot_steer_the_terminal) {
  EXPECT_EQ(printable("550 \x1b[2J\x07 gone"), "550 ?[2J? gone");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "?31m")
      << "C1 control sequence introducer";
  EXPECT_EQ(printable("two\r\nlines\tand a tab"), "two lines and a tab");
  EXPECT_EQ(printable("\xFF\xC3"), "??");
  EXPECT_EQ(printable("почта@пример.рф €"), "почта@пример.рф €");
}

TEST(printable_text, keeps_the_lines_of_a_message) {
  EXPECT_EQ(printable_lines("a\r\n\tb\x1b\r\n"), "a\n\tb?\n");
}

TEST(cut_text, counts_characters_and_not_bytes) {
  EXPECT_EQ(columns("почта"), 5u);
  EXPECT_EQ(cut("почта", 5), "почта");
  EXPECT_EQ(cut("почта", 4), "поч…");
  EXPECT_EQ(cut("почта", 1), "…");
  EXPECT_EQ(cut("почта", 0), "");
}

TEST(counted_things, have_their_plural) {
  EXPECT_EQ(count(0, "recipient"), "0 recipients");
  EXPECT_EQ(count(1, "recipient"), "1 recipient");
}

}  // namespace
}  // namespace gonets::app::cli
