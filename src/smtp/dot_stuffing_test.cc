#include "smtp/dot_stuffing.h"

#include <gtest/gtest.h>

#include <random>

#include "smtp/body_reader.h"

namespace gonets::smtp {
namespace {

std::string stuffed(std::string_view text) {
  std::string to;
  dot_stuffer{}.append(text, to);
  return to;
}

// Text without bare CR or LF, full of dots and line ends.
std::string random_body(std::mt19937& random) {
  static constexpr std::array<std::string_view, 6> parts = {".", "..", "\r\n", "a", "\r\n.\r\n", "xy \xC3\xA9"};
  std::string text;
  for (auto length = random() % 24; length > 0; --length)
    text += parts[random() % parts.size()];
  return text;
}

TEST(dot_stuffing, doubles_a_dot_that_begins_a_line_and_no_other) {
  EXPECT_EQ(stuffed(".a.b\r\n.\r\n..\r\nc.\r\n"), "..a.b\r\n..\r\n...\r\nc.\r\n");
  EXPECT_EQ(stuffed("a\r.b\n.c"), "a\r.b\n.c");
  EXPECT_EQ(stuffed(""), "");
}

TEST(dot_stuffing, knows_whether_the_end_of_data_needs_a_line_end) {
  dot_stuffer s;
  std::string to;
  EXPECT_TRUE(s.ended_in_crlf());
  s.append("a", to);
  EXPECT_FALSE(s.ended_in_crlf());
  s.append("\r", to);
  EXPECT_FALSE(s.ended_in_crlf());
  s.append("", to);
  s.append("\n", to);
  EXPECT_TRUE(s.ended_in_crlf());
  s.append("\n", to);
  EXPECT_FALSE(s.ended_in_crlf());
}

TEST(dot_stuffing, gives_the_same_at_every_cut) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const auto text = random_body(random);
    const auto whole = stuffed(text);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      dot_stuffer s;
      std::string to;
      s.append(std::string_view(text).substr(0, cut), to);
      s.append(std::string_view(text).substr(cut), to);
      ASSERT_EQ(to, whole) << "cut at " << cut;
    }
  }
}

TEST(dot_stuffing, comes_back_byte_for_byte_through_the_body_reader_at_every_cut) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    auto text = random_body(random);
    dot_stuffer s;
    std::string wire;
    s.append(text, wire);
    if (!s.ended_in_crlf()) {
      wire += "\r\n";
      text += "\r\n";
    }
    wire += ".\r\n";
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
      body_reader reader;
      reader.start(framing::dot, newline_policy::refuse, 1000, 100'000);
      std::string back;
      auto head = std::string_view(wire).substr(0, cut);
      auto tail = std::string_view(wire).substr(cut);
      const bool early = reader.consume(head, back);
      ASSERT_EQ(early, cut == wire.size());
      if (!early) {
        ASSERT_TRUE(reader.consume(tail, back));
      }
      ASSERT_EQ(back, text) << "cut at " << cut;
      ASSERT_EQ(reader.fault(), body_fault::none);
      ASSERT_EQ(reader.bytes(), text.size());
    }
  }
}

}  // namespace
}  // namespace gonets::smtp
