#include "bounce/reply_text.h"

#include <gtest/gtest.h>

namespace gonets::bounce {
namespace {

std::string codes(std::string_view text) {
  const auto found = find_codes(text);
  return std::to_string(found.code) + " " + to_text(found.status);
}

TEST(reply_text, codes_stand_at_the_start) {
  EXPECT_EQ(codes("550 5.1.1 no such user"), "550 5.1.1");
  EXPECT_EQ(codes("550-5.7.26 first 550 5.7.26 second"), "550 5.7.26");
  EXPECT_EQ(codes("550 no status"), "550 ");
  EXPECT_EQ(codes("5.2.2 no code"), "0 5.2.2");
}

TEST(reply_text, codes_are_found_where_they_are_quoted) {
  EXPECT_EQ(codes("host mx.example.com[192.0.2.1] said: 452 4.2.2 full (in reply to RCPT)"), "452 4.2.2");
  EXPECT_EQ(codes("smtp; 550 unknown"), "550 ");
  EXPECT_EQ(codes("Remote host said: 554 sorry (#5.7.1)"), "554 5.7.1");
}

TEST(reply_text, other_numbers_are_none) {
  EXPECT_EQ(codes("we live at number 550 of the street"), "0 ");
  EXPECT_EQ(codes("listed at 5.1.1.7"), "0 ");
  EXPECT_EQ(codes(""), "0 ");
}

}  // namespace
}  // namespace gonets::bounce
