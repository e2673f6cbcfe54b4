#include "base/text.h"

#include <gtest/gtest.h>

#include <limits>

namespace gonets {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST(text, writes_sizes_in_the_largest_binary_unit_that_is_exact) {
  EXPECT_EQ(format_bytes(0), "0B");
  EXPECT_EQ(format_bytes(1000), "1000B");
  EXPECT_EQ(format_bytes(1024), "1KiB");
  EXPECT_EQ(format_bytes(52'428'800), "50MiB");
  EXPECT_EQ(format_bytes(1ull << 43), "8TiB");
}

TEST(text, reads_sizes_in_binary_and_decimal_units_and_without_one) {
  EXPECT_EQ(parse_bytes("50MiB"), 52'428'800u);
  EXPECT_EQ(parse_bytes("1 GiB"), 1'073'741'824u);
  EXPECT_EQ(parse_bytes("10MB"), 10'000'000u);
  EXPECT_EQ(parse_bytes("512B"), 512u);
  EXPECT_EQ(parse_bytes("512"), 512u);
}

TEST(text, refuses_sizes_that_are_unclear_or_too_large) {
  for (const char* wrong :
       {"", "MiB", "50M", "50 ", "-1B", "1.5GiB", "5MiBs", "9223372036854775808", "9000000000TiB"}) {
    EXPECT_FALSE(parse_bytes(wrong)) << wrong;
  }
}

TEST(text, writes_durations_without_the_units_that_are_zero) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(125min), "2h 5m");
  EXPECT_EQ(format_duration(500ms), "500ms");
  EXPECT_EQ(format_duration(720h), "30d");
  EXPECT_EQ(format_duration(-90s), "-1m 30s");
  EXPECT_EQ(format_duration(milliseconds::min()), "-106751991167d 7h 12m 55s 808ms");
}

TEST(text, reads_durations_of_one_or_more_parts) {
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("2h 5m"), 125min);
  EXPECT_EQ(parse_duration("1d12h"), 36h);
  EXPECT_EQ(parse_duration("1w"), 168h);
  EXPECT_EQ(parse_duration("0s"), 0ms);
}

TEST(text, refuses_durations_without_a_unit_or_too_long) {
  for (const char* wrong :
       {"", "5", "m", "5 m", "5m ", "-5m", "1.5h", "5min", "5M", "106751991168d", "18446744073709551616s"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
}

TEST(text, reads_back_every_duration_that_it_writes) {
  for (const milliseconds d :
       {milliseconds(1), milliseconds(90'061'001), milliseconds(std::numeric_limits<std::int64_t>::max())}) {
    EXPECT_EQ(parse_duration(format_duration(d)), d);
  }
}

TEST(text, counts_a_swap_of_neighbours_as_one_edit) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("hostanme", "hostname"), 1u);
}

TEST(text, finds_the_nearest_word_without_regard_to_case) {
  const std::vector<std::string> words = {"hostname", "shards", "user"};
  EXPECT_EQ(nearest("hostnmae", words), "hostname");
  EXPECT_EQ(nearest("Shard", words), "shards");
  EXPECT_EQ(nearest("colour", words), "");
  EXPECT_EQ(nearest(std::string(1'000'000, 'x'), words), "");
}

}  // namespace
}  // namespace gonets
