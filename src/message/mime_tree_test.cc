#include "message/mime_tree.h"

#include <gtest/gtest.h>

namespace gonets::message {
namespace {

TEST(decoded_field, reads_as_people_do) {
  EXPECT_EQ(decoded_field("plain", 100), "plain");
  EXPECT_EQ(decoded_field("=?utf-8?q?Caf=C3=A9?= sale", 100), "Café sale");
  EXPECT_EQ(decoded_field("=?koi8-r?B?8NLJ18XU?=", 100), "Привет");
  EXPECT_EQ(decoded_field("one\r\n two", 100), "one two");
  EXPECT_EQ(decoded_field("=?utf-8?q?one?=\r\n =?utf-8?q?_two?=", 100), "one two");
  EXPECT_EQ(decoded_field("", 100), "");
}

TEST(decoded_field, is_cut_at_the_end_of_a_character_and_valid_whatever_came) {
  EXPECT_EQ(decoded_field("=?utf-8?q?Caf=C3=A9?=", 4), "Caf");
  EXPECT_EQ(decoded_field("=?utf-8?q?Caf=C3=A9?=", 5), "Café");
  EXPECT_EQ(decoded_field(std::string_view("a\0b", 3), 100), "ab");
  EXPECT_EQ(decoded_field("caf\xe9", 100), "café");
  EXPECT_EQ(decoded_field("=?x?q?", 100), "=?x?q?");
}

}  // namespace
}  // namespace gonets::message
