#include "message/xtext.h"

#include <gtest/gtest.h>

namespace gonets::message {
namespace {

TEST(xtext, encodes_plus_equals_blanks_and_what_is_not_ascii) {
  EXPECT_EQ(encode_xtext("a+b=c d@e.test\xff"), "a+2Bb+3Dc+20d@e.test+FF");
}

TEST(xtext, brings_every_octet_back) {
  std::string octets;
  for (int c = 0; c < 256; ++c)
    octets += static_cast<char>(c);
  const auto text = encode_xtext(octets);
  for (const char c : text)
    EXPECT_TRUE(c >= '!' && c <= '~' && c != '=') << c;
  EXPECT_EQ(decode_xtext(text), octets);
}

TEST(xtext, decodes_hexadecimal_digits_of_either_case) {
  EXPECT_EQ(decode_xtext("+2b+2B+0D+0a"), "++\r\n");
}

TEST(xtext, refuses_what_is_not_xtext) {
  for (const std::string_view text : {"+", "a+2", "+2G", "+G2", "a=b", "a b", "\xd0\xb0", "a\r\n", "+-1"}) {
    EXPECT_EQ(decode_xtext(text), std::nullopt) << text;
  }
}

TEST(xtext, decodes_nothing_to_nothing) {
  EXPECT_EQ(decode_xtext(""), "");
}

}  // namespace
}  // namespace gonets::message
