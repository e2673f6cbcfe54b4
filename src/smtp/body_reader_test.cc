#include "smtp/body_reader.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace gonets::smtp {
namespace {

using namespace std::string_literals;

struct limits {
  std::size_t line = 1000;
  std::uint64_t message = 100'000;
};

struct outcome {
  bool ended = false;
  std::string text;
  body_fault fault = body_fault::none;
  std::uint64_t line = 0;
  bool leading_dot = false;
  bool eight_bit = false;
  std::size_t left = 0;  // octets after the end of data
  bool operator==(const outcome&) const = default;
};

// Reads `wire` in parts of `step` octets, the first of `first`.
outcome read(framing how, newline_policy newlines, std::string_view wire, std::size_t first, std::size_t step,
             limits max = {}) {
  body_reader reader;
  reader.start(how, newlines, max.line, max.message);
  outcome o;
  auto size = first;
  while (!wire.empty() && !o.ended) {
    auto part = wire.substr(0, size);
    const auto offered = part.size();
    o.ended = reader.consume(part, o.text);
    wire.remove_prefix(offered - part.size());
    size = step;
  }
  if (how == framing::counted) reader.finish(o.text);
  o.fault = reader.fault();
  o.line = o.fault == body_fault::none || o.fault == body_fault::too_large ? 0 : reader.fault_line();
  o.leading_dot = reader.has_leading_dot();
  o.eight_bit = reader.has_eight_bit();
  o.left = wire.size();
  if (o.fault != body_fault::none) o.text.clear();
  return o;
}

outcome read_dot(newline_policy newlines, std::string_view wire, limits max = {}) {
  return read(framing::dot, newlines, wire, wire.size(), 1, max);
}

// RFC 5321 4.5.2 and the policies written the slow way, to hold the reader against.
outcome expected_dot(newline_policy newlines, const std::string& wire) {
  outcome o;
  const auto framed = "\r\n" + wire;
  const auto end = framed.find("\r\n.\r\n");
  if (end == std::string::npos) return o;
  o.ended = true;
  o.left = framed.size() - end - 5;
  const auto message = framed.substr(0, end + 2);
  for (std::size_t i = 2; i < message.size(); ++i) {
    const bool after_crlf = message[i - 2] == '\r' && message[i - 1] == '\n';
    if (after_crlf && message[i] == '.') continue;
    const bool cr = message[i] == '\r', lf = message[i] == '\n';
    const bool paired = cr ? i + 1 < message.size() && message[i + 1] == '\n' : lf && message[i - 1] == '\r';
    const bool bare = (cr || lf) && !paired;
    auto what = body_fault::none;
    if (message[i] == '\0') what = body_fault::nul;
    if (bare && newlines == newline_policy::refuse) what = cr ? body_fault::bare_cr : body_fault::bare_lf;
    if (o.fault == body_fault::none) o.fault = what;
    o.text += bare ? "\r\n" : std::string(1, message[i]);
  }
  if (o.fault != body_fault::none) o.text.clear();
  return o;
}

std::string random_wire(std::mt19937& random) {
  static const std::array<std::string, 9> parts = {"\r",  "\n",  ".", "\r\n", "\r\n.\r\n", "a", "bcdefghijklmnopqr",
                                                   "\0"s, "\xC3"};
  std::string text;
  for (auto length = random() % 16; length > 0; --length) {
    // NUL seldom: it decides the outcome whatever else there is.
    const auto pick = random() % (parts.size() * 4);
    text += parts[pick >= 4 * 7 && random() % 3 != 0 ? pick % 7 : pick / 4];
  }
  return text + "\r\n.\r\nQUIT\r\n";
}

TEST(body_reader, takes_text_up_to_the_end_of_data) {
  const auto o = read_dot(newline_policy::refuse, "Subject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n");
  EXPECT_TRUE(o.ended);
  EXPECT_EQ(o.text, "Subject: x\r\n\r\nhi\r\n");
  EXPECT_EQ(o.left, 6u);
  EXPECT_FALSE(o.leading_dot);
  EXPECT_FALSE(o.eight_bit);
}

TEST(body_reader, ends_an_empty_message_at_its_first_line) {
  const auto o = read_dot(newline_policy::refuse, ".\r\n");
  EXPECT_TRUE(o.ended);
  EXPECT_EQ(o.text, "");
}

TEST(body_reader, takes_one_dot_off_each_line_that_begins_with_one) {
  const auto o = read_dot(newline_policy::refuse, "..\r\n...a\r\n.b\r\nc.\r\n.\r\n");
  EXPECT_EQ(o.text, ".\r\n..a\r\nb\r\nc.\r\n");
  EXPECT_TRUE(o.leading_dot);
}

TEST(body_reader, notes_a_leading_dot_only_where_the_text_has_one) {
  EXPECT_FALSE(read_dot(newline_policy::refuse, "a.\r\n.b\r\n.\r\n").leading_dot);
  EXPECT_TRUE(read_dot(newline_policy::refuse, "a\r\n..\r\n.\r\n").leading_dot);
  EXPECT_TRUE(read_dot(newline_policy::normalize, "a\n.\r\n\r\n.\r\n").leading_dot);
  EXPECT_TRUE(read(framing::counted, newline_policy::refuse, ".", 1, 1).leading_dot);
  EXPECT_TRUE(read(framing::counted, newline_policy::refuse, "a\r\n.\r\n", 100, 1).leading_dot);
  EXPECT_FALSE(read(framing::counted, newline_policy::refuse, "a.\r\nb.\r\n", 100, 1).leading_dot);
}

TEST(body_reader, notes_octets_over_127_anywhere) {
  for (std::size_t at = 0; at < 40; ++at) {
    auto text = std::string(40, 'a');
    text[at] = '\x80';
    EXPECT_TRUE(read_dot(newline_policy::refuse, text + "\r\n.\r\n").eight_bit) << at;
    EXPECT_FALSE(read_dot(newline_policy::refuse, std::string(at, 'a') + "\r\n.\r\n\x80").eight_bit) << at;
  }
}

TEST(body_reader, takes_nothing_but_crlf_dot_crlf_for_the_end_of_data) {
  for (const auto& end : {"\n.\n"s, "\r.\r"s, "\n.\r\n"s, "\r\n.\n"s, "\r.\r\n"s, "\r\n.\r"s, "\r\n\0.\r\n"s,
                          "\r\n.\0\r\n"s, "\0\r\n..\r\n"s, "\n\n.\r\n"s, "\r\r\n..\r\n"s, "\r\n.\r\r\n"s, "\n.\n\n"s,
                          "\r\n\n.\r\n"s, "\r\n.\n.\r\n"s, "\r\n..\r\n"s}) {
    for (const auto policy : {newline_policy::refuse, newline_policy::normalize}) {
      const auto wire = "a" + end + "MAIL FROM:<smuggled@example.com>";
      for (std::size_t cut = 1; cut <= wire.size(); ++cut) {
        EXPECT_FALSE(read(framing::dot, policy, wire, cut, wire.size()).ended) << testing::PrintToString(wire);
      }
      const auto o = read_dot(policy, wire + "\r\n.\r\n");
      EXPECT_TRUE(o.ended);
      EXPECT_EQ(o.left, 0u);
      // What looks like an end of data in the text is told to be stuffed again on its way out.
      if (o.text.find("\r\n.\r\n") != std::string::npos) {
        EXPECT_TRUE(o.leading_dot);
      }
    }
  }
}

TEST(body_reader, lets_no_bare_cr_or_lf_and_no_nul_into_the_text) {
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    const auto wire = random_wire(random);
    for (const auto policy : {newline_policy::refuse, newline_policy::normalize}) {
      for (const auto how : {framing::dot, framing::counted}) {
        const auto text = read(how, policy, wire, wire.size(), 1).text;
        EXPECT_EQ(text.find('\0'), std::string::npos);
        for (std::size_t i = 0; i < text.size(); ++i) {
          if (text[i] == '\r') {
            ASSERT_EQ(text[i + 1], '\n');
          }
          if (text[i] == '\n') {
            ASSERT_TRUE(i > 0 && text[i - 1] == '\r');
          }
        }
      }
    }
  }
}

TEST(body_reader, reads_what_the_rfc_says_for_any_bytes) {
  std::mt19937 random(4);
  for (int round = 0; round < 20'000; ++round) {
    const auto wire = random_wire(random);
    for (const auto policy : {newline_policy::refuse, newline_policy::normalize}) {
      const auto expected = expected_dot(policy, wire);
      const auto o = read_dot(policy, wire);
      ASSERT_EQ(o.ended, expected.ended) << testing::PrintToString(wire);
      ASSERT_EQ(o.text, expected.text) << testing::PrintToString(wire);
      ASSERT_EQ(o.fault, expected.fault) << testing::PrintToString(wire);
      ASSERT_EQ(o.left, expected.left) << testing::PrintToString(wire);
    }
  }
}

TEST(body_reader, gives_the_same_however_the_bytes_are_cut) {
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    const auto wire = random_wire(random);
    const limits max{random() % 30, random() % 60};
    for (const auto policy : {newline_policy::refuse, newline_policy::normalize}) {
      for (const auto how : {framing::dot, framing::counted}) {
        const auto whole = read(how, policy, wire, wire.size(), 1, max);
        ASSERT_EQ(read(how, policy, wire, 1, 1, max), whole) << testing::PrintToString(wire);
        for (std::size_t cut = 1; cut < wire.size(); ++cut) {
          ASSERT_EQ(read(how, policy, wire, cut, wire.size(), max), whole) << testing::PrintToString(wire) << cut;
        }
      }
    }
  }
}

TEST(body_reader, names_the_line_of_the_first_fault) {
  const auto refuse = newline_policy::refuse;
  EXPECT_EQ(read_dot(refuse, "a\r\nb\nc\r\nd\re\r\n.\r\n").fault, body_fault::bare_lf);
  EXPECT_EQ(read_dot(refuse, "a\r\nb\nc\r\nd\re\r\n.\r\n").line, 2u);
  EXPECT_EQ(read_dot(refuse, "\ra\r\n.\r\n").fault, body_fault::bare_cr);
  EXPECT_EQ(read_dot(refuse, "\ra\r\n.\r\n").line, 1u);
  EXPECT_EQ(read_dot(newline_policy::normalize, "a\r\n\r\n\0\r\n.\r\n"s).fault, body_fault::nul);
  EXPECT_EQ(read_dot(newline_policy::normalize, "a\r\n\r\n\0\r\n.\r\n"s).line, 3u);
}

TEST(body_reader, counts_the_length_of_a_line_without_its_end) {
  const limits max{10, 100};
  EXPECT_EQ(read_dot(newline_policy::refuse, "x\r\n0123456789\r\n.\r\n", max).fault, body_fault::none);
  EXPECT_EQ(read_dot(newline_policy::refuse, "x\r\n..123456789\r\n.\r\n", max).fault, body_fault::none);
  const auto o = read_dot(newline_policy::refuse, "x\r\n0123456789a\r\n.\r\n", max);
  EXPECT_EQ(o.fault, body_fault::line_too_long);
  EXPECT_EQ(o.line, 2u);
}

TEST(body_reader, counts_the_size_of_the_text_and_not_of_the_wire) {
  const limits max{100, 10};
  EXPECT_EQ(read_dot(newline_policy::refuse, "..345678\r\n.\r\n", max).fault, body_fault::none);
  EXPECT_EQ(read_dot(newline_policy::refuse, "012345678\r\n.\r\n", max).fault, body_fault::too_large);
  EXPECT_EQ(read_dot(newline_policy::refuse, "0123456789a\r\n.\r\n", max).fault, body_fault::too_large);
  EXPECT_EQ(read(framing::counted, newline_policy::refuse, "0123456789", 10, 1, max).fault, body_fault::none);
  EXPECT_EQ(read(framing::counted, newline_policy::refuse, "0123456789a", 11, 1, max).fault, body_fault::too_large);
}

TEST(body_reader, ends_counted_text_where_the_caller_says) {
  EXPECT_EQ(read(framing::counted, newline_policy::refuse, ".\r\n.\r\n..", 100, 1).text, ".\r\n.\r\n..");
  EXPECT_EQ(read(framing::counted, newline_policy::refuse, "a\r", 100, 1).fault, body_fault::bare_cr);
  EXPECT_EQ(read(framing::counted, newline_policy::normalize, "a\r", 100, 1).text, "a\r\n");
}

}  // namespace
}  // namespace gonets::smtp
