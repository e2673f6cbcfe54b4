#include "dkim/canonical.h"

#include <gtest/gtest.h>

#include <random>

namespace gonets::dkim {
namespace {

std::string body(canonicalization how, std::string_view text) {
  std::string to;
  body_canonicalizer c(how);
  while (!text.empty())
    text.remove_prefix(c.update(text, to));
  while (!c.finish(to)) {
  }
  return to;
}
std::string field(canonicalization how, std::string_view text) {
  const auto colon = text.find(':');
  std::string to;
  append_field(to, how, text.substr(0, text.find_first_of(" :")), text.substr(colon + 1));
  return to;
}
constexpr auto simple = canonicalization::simple;
constexpr auto relaxed = canonicalization::relaxed;

// The example of RFC 6376 3.4.5.
TEST(canonical, gives_what_the_rfc_gives) {
  EXPECT_EQ(field(relaxed, "A: X"), "a:X\r\n");
  EXPECT_EQ(field(relaxed, "B : Y\t\r\n\tZ  "), "b:Y Z\r\n");
  EXPECT_EQ(body(relaxed, " C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
  EXPECT_EQ(field(simple, "B : Y\t\r\n\tZ  "), "B : Y\t\r\n\tZ  \r\n");
  EXPECT_EQ(body(simple, " C \r\nD \t E\r\n\r\n\r\n"), " C \r\nD \t E\r\n");
}

TEST(canonical, of_an_empty_body_is_a_line_end_or_nothing) {
  EXPECT_EQ(body(simple, ""), "\r\n");
  EXPECT_EQ(body(simple, "\r\n\r\n"), "\r\n");
  EXPECT_EQ(body(relaxed, ""), "");
  EXPECT_EQ(body(relaxed, " \t\r\n\r\n"), "");
}

TEST(canonical, ends_the_last_line) {
  EXPECT_EQ(body(simple, "a"), "a\r\n");
  EXPECT_EQ(body(relaxed, "a "), "a\r\n");
}

TEST(canonical, takes_only_crlf_for_a_line_end) {
  EXPECT_EQ(body(relaxed, "a \rb \nc\r"), "a \rb \nc\r\r\n");
  EXPECT_EQ(body(simple, "a\r\r\n"), "a\r\r\n");
}

TEST(canonical, unfolds_only_at_crlf) {
  EXPECT_EQ(field(relaxed, "A: x\r\n y\rz"), "a:x y\rz\r\n");
}

TEST(canonical, gives_line_ends_that_come_to_count_a_few_at_a_time) {
  std::string text;
  for (int i = 0; i < 50'000; ++i)
    text += "\r\n";
  text += 'a';
  body_canonicalizer c(simple);
  std::string to;
  std::string all;
  std::string_view rest = text;
  while (!rest.empty()) {
    rest.remove_prefix(c.update(rest, to));
    EXPECT_LE(to.size(), 10'000u);
    all += to;
    to.clear();
  }
  EXPECT_TRUE(c.finish(to));
  EXPECT_EQ(all + to, text + "\r\n");
  EXPECT_EQ(body(relaxed, text + '\r'), text + "\r\r\n");
}

TEST(canonical, does_not_depend_on_where_parts_end) {
  std::mt19937 random(7);
  constexpr std::string_view alphabet = " \t\r\nab";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    // Every other one is mostly of long words, whose blocks are looked at as a whole.
    const auto words = round % 2 == 0 ? 1u : 12u;
    for (auto n = random() % 200; n > 0; --n) {
      const char c = random() % words == 0 ? alphabet[random() % alphabet.size()] : 'a';
      text += c == '\n' ? "\r\n" : std::string(1, c);
    }
    for (const auto how : {simple, relaxed}) {
      std::string to;
      body_canonicalizer c(how);
      for (std::size_t at = 0; at < text.size();) {
        at += c.update(std::string_view(text).substr(at, 1 + random() % (round % 4 == 0 ? 5 : 100)), to);
      }
      c.finish(to);
      ASSERT_EQ(to, body(how, text)) << testing::PrintToString(text);
      // What is canonical stays as it is.
      ASSERT_EQ(body(how, to), to) << testing::PrintToString(text);
    }
  }
}

}  // namespace
}  // namespace gonets::dkim
