#include "message/detail/printable.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gonets::message::detail {
namespace {

using namespace std::string_view_literals;

std::string field(std::string_view name, std::string_view value) {
  std::string text;
  append_field(text, name, value);
  return text;
}

std::string wrapped(std::size_t indent, std::string_view value) {
  std::string text;
  append_wrapped(text, indent, value);
  return text;
}

TEST(printable, turns_control_characters_into_blanks) {
  EXPECT_EQ(printable("a\r\nb\0c\x7f"sv, charset::ascii, 100), "a  b c ");
}

TEST(printable, keeps_utf8_only_where_allowed) {
  EXPECT_EQ(printable("\xd0\xb0!", charset::utf8, 100), "\xd0\xb0!");
  EXPECT_EQ(printable("\xd0\xb0.", charset::ascii, 100), "??.");
}

TEST(printable, replaces_invalid_utf8) {
  // Lone continuation, overlong, cut short, surrogate, beyond U+10FFFF, C1 control (a terminal's CSI).
  for (const auto bad :
       {"\x80"sv, "\xc0\xaf"sv, "\xe0\x80\xaf"sv, "\xe2\x82"sv, "\xed\xa0\x80"sv, "\xf4\x90\x80\x80"sv, "\xc2\x9b"sv}) {
    EXPECT_EQ(printable(bad, charset::utf8, 100), std::string(bad.size(), '?'));
  }
  EXPECT_EQ(printable("\xf0\x9f\x93\xa7", charset::utf8, 100), "\xf0\x9f\x93\xa7");
}

TEST(printable, cuts_at_a_character) {
  EXPECT_EQ(printable("\xd0\xb0\xd0\xb1\xd0\xb2\xd0\xb3", charset::utf8, 8), "\xd0\xb0\xd0\xb1\xd0\xb2\xd0\xb3");
  EXPECT_EQ(printable("\xd0\xb0\xd0\xb1\xd0\xb2\xd0\xb3", charset::utf8, 7), "\xd0\xb0\xd0\xb1...");
  EXPECT_EQ(printable("\xd0\xb0\xd0\xb1\xd0\xb2\xd0\xb3", charset::utf8, 6), "\xd0\xb0...");
}

TEST(printable, folds_a_field_at_blanks) {
  const std::string word(40, 'w');
  EXPECT_EQ(field("Name", word + "   " + word + " x "), "Name: " + word + "\r\n " + word + " x\r\n");
}

TEST(printable, leaves_the_first_word_on_the_line_of_the_name) {
  const std::string word(100, 'w');
  EXPECT_EQ(field("Name", word), "Name: " + word + "\r\n");
}

TEST(printable, breaks_an_endless_word) {
  const auto text = field("Name", std::string(2000, 'w'));
  std::size_t start = 0;
  for (auto end = text.find("\r\n"); end != std::string::npos; start = end + 2, end = text.find("\r\n", start)) {
    EXPECT_LE(end - start, 998u);
    EXPECT_GT(end - start, 1u);
  }
  EXPECT_EQ(std::count(text.begin(), text.end(), 'w'), 2000);
}

TEST(printable, wraps_text_after_an_indent) {
  const std::string word(40, 'w');
  EXPECT_EQ(wrapped(2, word + " " + word), "  " + word + "\r\n  " + word + "\r\n");
  EXPECT_EQ(wrapped(2, "  "), "\r\n");
}

TEST(printable, knows_ascii) {
  EXPECT_TRUE(is_ascii("abc\x7f"));
  EXPECT_FALSE(is_ascii("abc\x80"));
}

}  // namespace
}  // namespace gonets::message::detail
