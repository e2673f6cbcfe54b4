#include "shaping/text_pattern.h"

#include <gtest/gtest.h>

namespace gonets::shaping {
namespace {

bool takes(std::string_view pattern, std::string_view text) {
  return text_pattern(pattern).matches(fold(text));
}

TEST(text_pattern, case_and_line_breaks_do_not_count) {
  EXPECT_TRUE(takes("Rate limited", "you were RATE\n\r  LIMITED today"));
  EXPECT_FALSE(takes("rate limited", "rate-limited"));
}

TEST(text_pattern, a_gap_is_of_any_length_and_keeps_the_order) {
  EXPECT_TRUE(takes("messages from*deferred", "Messages from 192.0.2.1 temporarily deferred"));
  EXPECT_TRUE(takes("a*b", "ab"));
  EXPECT_FALSE(takes("messages from*deferred", "deferred messages from 192.0.2.1"));
}

TEST(text_pattern, pieces_do_not_overlap) {
  EXPECT_FALSE(takes("aba*aba", "ababa"));
  EXPECT_TRUE(takes("aba*aba", "abaaba"));
}

TEST(text_pattern, gaps_alone_match_nothing_and_are_not_usable) {
  for (const char* pattern : {"", "*", "***"}) {
    EXPECT_FALSE(text_pattern(pattern).usable()) << pattern;
    EXPECT_FALSE(takes(pattern, "anything")) << pattern;
  }
  EXPECT_TRUE(text_pattern("*a*").usable());
}

TEST(text_pattern, what_is_beyond_the_limit_is_not_looked_at) {
  EXPECT_FALSE(takes("end", std::string(folded_bytes_max, 'x') + "end"));
}

TEST(text_pattern, hostile_text_takes_no_longer_than_its_length) {
  const std::string text(folded_bytes_max, 'a');
  std::string pattern;
  for (int i = 0; i < 40; ++i)
    pattern += "a*";
  EXPECT_FALSE(takes(pattern + "b", text));
}

}  // namespace
}  // namespace gonets::shaping
