#include "smtp/reply_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gonets::smtp {
namespace {

using progress = reply_parser::progress;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The one reply in `bytes`; code 0 and the error as text if there is none.
reply parse_one(std::string_view bytes, reply_limits limits = {}) {
  reply_parser parser(limits);
  const progress result = parser.parse(bytes);
  if (result == progress::complete) {
    EXPECT_EQ(bytes, "");
    return parser.current();
  }
  EXPECT_EQ(result, progress::broken);
  return {0, {}, parser.error()};
}

TEST(ReplyParser, reads_a_reply_of_one_line) {
  EXPECT_EQ(parse_one("250 Ok\r\n"), (reply{250, {}, "Ok"}));
  EXPECT_EQ(parse_one("550 5.1.1 No such user\r\n"), (reply{550, {5, 1, 1}, "No such user"}));
}

TEST(ReplyParser, joins_the_lines_of_a_reply_and_takes_the_status_off_each) {
  EXPECT_EQ(parse_one("550-5.7.1 Our system\r\n550-5.7.1 refuses\r\n550 5.7.1 you\r\n"),
            (reply{550, {5, 7, 1}, "Our system\nrefuses\nyou"}));
  EXPECT_EQ(parse_one("550-5.7.1 first\r\n550 5.1.1 second\r\n"), (reply{550, {5, 7, 1}, "first\n5.1.1 second"}));
  EXPECT_EQ(parse_one("250-a\r\n250-\r\n250\r\n"), (reply{250, {}, "a\n\n"}));
}

TEST(ReplyParser, takes_a_reply_without_text_and_a_status_without_text) {
  EXPECT_EQ(parse_one("250\r\n"), (reply{250, {}, ""}));
  EXPECT_EQ(parse_one("250 \r\n"), (reply{250, {}, ""}));
  EXPECT_EQ(parse_one("250 2.0.0\r\n"), (reply{250, {2, 0, 0}, ""}));
}

TEST(ReplyParser, takes_a_bare_line_feed_for_a_line_end) {
  EXPECT_EQ(parse_one("250-a\n250 b\n"), (reply{250, {}, "a\nb"}));
}

TEST(ReplyParser, leaves_a_status_that_contradicts_the_code_in_the_text) {
  EXPECT_EQ(parse_one("450 5.7.1 greylisted\r\n"), (reply{450, {}, "5.7.1 greylisted"}));
}

TEST(ReplyParser, takes_one_reply_at_a_time_and_leaves_the_rest) {
  reply_parser parser;
  std::string_view in = "250 a\r\n354 b\r\n25";
  EXPECT_EQ(parser.parse(in), progress::complete);
  EXPECT_EQ(in, "354 b\r\n25");
  EXPECT_FALSE(parser.in_reply());
  EXPECT_EQ(parser.parse(in), progress::complete);
  EXPECT_EQ(parser.current(), (reply{354, {}, "b"}));
  EXPECT_EQ(parser.parse(in), progress::more);
  EXPECT_TRUE(parser.in_reply());
}

TEST(ReplyParser, does_not_depend_on_how_the_bytes_are_cut) {
  const std::string_view all = "250-2.1.0 one\r\n250 2.1.0 two\r\n421 x\r\n";
  for (std::size_t step = 1; step <= all.size(); ++step) {
    reply_parser parser;
    std::vector<reply> got;
    for (std::size_t at = 0; at < all.size(); at += step) {
      std::string_view part = all.substr(at, step);
      while (!part.empty()) {
        if (parser.parse(part) == progress::complete) got.push_back(parser.current());
      }
    }
    ASSERT_EQ(got.size(), 2u) << step;
    EXPECT_EQ(got[0], (reply{250, {2, 1, 0}, "one\ntwo"}));
    EXPECT_EQ(got[1], (reply{421, {}, "x"}));
  }
}

TEST(ReplyParser, refuses_what_is_not_a_reply) {
  for (const char* line :
       {"", "\r", "25", "25x Ok", "150 Ok", "650 Ok", "250Ok", "250+Ok", " 250 Ok", "<html>", "2500"}) {
    EXPECT_THAT(parse_one(std::string(line) + "\n").text, StartsWith("not a reply: \"")) << line;
  }
}

TEST(ReplyParser, refuses_lines_whose_codes_differ) {
  EXPECT_EQ(parse_one("250-a\r\n550 b\r\n").text, "a reply's lines have different codes: \"550 b\"");
}

TEST(ReplyParser, stays_broken) {
  reply_parser parser;
  std::string_view in = "what\r\n250 Ok\r\n";
  EXPECT_EQ(parser.parse(in), progress::broken);
  EXPECT_EQ(parser.parse(in), progress::broken);
}

TEST(ReplyParser, bounds_a_line_whether_its_end_has_come_or_not) {
  const reply_limits limits{.line_bytes_max = 10};
  EXPECT_EQ(parse_one("250 5678\r\n", limits).code, 250);
  EXPECT_THAT(parse_one("250 56789\r\n", limits).text, StartsWith("a reply line is too long: \"250 56789"));
  reply_parser parser(limits);
  std::string_view endless = "250 567890";
  EXPECT_EQ(parser.parse(endless), progress::more);
  endless = "1";
  EXPECT_EQ(parser.parse(endless), progress::broken);
}

TEST(ReplyParser, bounds_the_lines_of_a_reply) {
  const reply_limits limits{.lines_max = 2};
  EXPECT_EQ(parse_one("250-a\r\n250 b\r\n", limits).code, 250);
  EXPECT_THAT(parse_one("250-a\r\n250-b\r\n250 c\r\n", limits).text, StartsWith("a reply has too many lines"));
}

TEST(ReplyParser, bounds_the_text_that_is_kept_and_marks_the_cut) {
  const reply_limits limits{.text_bytes_max = 10};
  EXPECT_EQ(parse_one("250 0123456789\r\n", limits).text, "0123456789");
  EXPECT_EQ(parse_one("250 0123456789a\r\n", limits).text, "0123456...");
  EXPECT_EQ(parse_one("250-01234\r\n250-5678\r\n250 9\r\n", limits).text, "01234\n5...");
  EXPECT_EQ(parse_one("250-01234\r\n250 56789\r\n", limits).text, "01234\n5...");
  EXPECT_EQ(parse_one("250 01234\xc3\xa9\xc3\xa9\xc3\xa9\r\n", limits).text, "01234\xc3\xa9...");
  EXPECT_EQ(parse_one("250 012345\xc3\xa9\xc3\xa9\xc3\xa9\r\n", limits).text, "012345...");
}

TEST(ReplyParser, keeps_texts_that_are_safe_to_store_and_print) {
  EXPECT_EQ(parse_one("250 a\tb\rc\x1b[2J\x7f\r\n").text, "a b c?[2J?");
  EXPECT_EQ(parse_one(std::string_view("250 a\0b\r\n", 9)).text, "a?b");
  EXPECT_EQ(parse_one("250 \xd0\x9d\xd0\xb5\xd1\x82 \xe2\x82\xac \xf0\x9f\x93\xa7\r\n").text,
            "\xd0\x9d\xd0\xb5\xd1\x82 \xe2\x82\xac \xf0\x9f\x93\xa7");
}

TEST(ReplyParser, replaces_what_is_not_utf8) {
  const std::pair<const char*, const char*> cases[] = {{"\xff", "?"},
                                                       {"\xc3", "?"},
                                                       {"\xc3z", "?z"},
                                                       {"\xc0\x80", "??"},
                                                       {"\xe0\x80\x80", "???"},
                                                       {"\xed\xa0\x80", "???"},
                                                       {"\xf0\x80\x80\x80", "????"},
                                                       {"\xf4\x90\x80\x80", "????"},
                                                       {"\xc2\x9b", "??"},
                                                       {"\xe2\x82", "??"},
                                                       {"\x80", "?"},
                                                       {"\xc2\xa0", "\xc2\xa0"}};
  for (const auto& [in, out] : cases) {
    std::string safe;
    EXPECT_TRUE(append_sanitized(safe, in, 100));
    EXPECT_EQ(safe, out);
  }
}

TEST(ReplyParser, an_excerpt_of_garbage_is_short_and_safe) {
  const std::string error = parse_one("\x1b" + std::string(500, 'x') + "\r\n").text;
  EXPECT_THAT(error, HasSubstr("\"?xxx"));
  EXPECT_LT(error.size(), 120u);
}

}  // namespace
}  // namespace gonets::smtp
