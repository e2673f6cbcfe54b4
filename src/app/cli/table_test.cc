#include "app/cli/table.h"

#include <gtest/gtest.h>

#include <sstream>

#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {

terminal wide(unsigned width) {
  return {.width = width};
}

table two_columns() {
  return table({{"SITE", align::left, true}, {"READY", align::right}});
}

TEST(table, aligns_texts_left_and_numbers_right) {
  auto t = two_columns();
  t.add({std::string("mx.example.com"), std::string("7")});
  t.add({std::string("b"), std::string("12345678")});
  EXPECT_EQ(t.render(wide(80)),
            "SITE               READY\n"
            "mx.example.com         7\n"
            "b               12345678\n");
}

TEST(table, has_no_spaces_at_the_end_of_a_line) {
  table t({{"A"}, {"B"}});
  t.add({std::string("1"), std::string("long")});
  t.add({std::string("2"), std::string("")});
  EXPECT_EQ(t.render(wide(80)), "A  B\n1  long\n2\n");
}

TEST(table, leaves_out_columns_in_which_nothing_stands) {
  table t({{"A"}, {"EMPTY"}, {"B"}});
  t.add({std::string("1"), std::string(), std::string("2")});
  EXPECT_EQ(t.render(wide(80)), "A  B\n1  2\n");
}

TEST(table, cuts_the_widest_column_that_may_shrink) {
  table t({{"ID"}, {"RECIPIENT", align::left, true}, {"ANSWER", align::left, true}});
  t.add({std::string("066K3V7P8G01"), std::string("someone@example.com"), std::string(60, 'x')});
  EXPECT_EQ(t.render(wide(60)),
            "ID            RECIPIENT            ANSWER\n"
            "066K3V7P8G01  someone@example.com  xxxxxxxxxxxxxxxxxxxxxxxx…\n");
}

TEST(table, never_exceeds_the_terminal_however_narrow) {
  for (unsigned width = 1; width < 70; ++width) {
    table t({{"ID"}, {"RECIPIENT", align::left, true}, {"TRIES", align::right}, {"ANSWER", align::left, true}});
    t.add({std::string("066K3V7P8G01"), std::string("почта@example.com"), std::string("12"), std::string(40, 'x')});
    std::istringstream lines(t.render(wide(width)));
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(columns(line), width) << line;
  }
}

TEST(table, makes_what_strangers_wrote_printable) {
  auto t = two_columns();
  t.add({std::string("a\x1b[31m\nb"), std::string("1")});
  EXPECT_EQ(t.render(wide(80)), "SITE      READY\na?[31m b      1\n");
}

TEST(table, counts_no_colours_as_width) {
  auto t = two_columns();
  t.add({cell("abcdef", colour::red), std::string("1")});
  const auto plain = t.render(wide(80));
  const auto bright = t.render({.width = 80, .interactive = true, .colours = true});
  EXPECT_EQ(bright, "\x1b[1mSITE\x1b[0m    \x1b[1mREADY\x1b[0m\n\x1b[31mabcdef\x1b[0m      1\n");
  EXPECT_EQ(plain, "SITE    READY\nabcdef      1\n");
}

}  // namespace
}  // namespace gonets::app::cli
