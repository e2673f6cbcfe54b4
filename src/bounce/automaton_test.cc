#include "bounce/automaton.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gonets::bounce {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::uint32_t> matches(const automaton& a, std::string_view text) {
  std::vector<std::uint32_t> found;
  automaton::state at = 0;
  for (const char c : text) {
    at = a.next(at, c);
    a.each_match(at, [&](std::uint32_t id) { found.push_back(id); });
  }
  return found;
}

TEST(automaton, finds_patterns_that_overlap_and_contain_each_other) {
  automaton a;
  a.add("he", 1);
  a.add("she", 2);
  a.add("his", 3);
  a.add("hers", 4);
  a.finish();
  EXPECT_THAT(matches(a, "ushers"), ElementsAre(2, 1, 4));
  EXPECT_THAT(matches(a, "hihis"), ElementsAre(3));
  EXPECT_THAT(matches(a, ""), IsEmpty());
}

TEST(automaton, states_with_many_ways_work_as_those_with_few) {
  automaton a;
  for (int c = 0; c < 256; ++c)
    a.add(std::string{'x', static_cast<char>(c)}, static_cast<std::uint32_t>(c));
  a.finish();
  EXPECT_THAT(matches(a, std::string("x\xff") + "xxa"), ElementsAre(255, 'x', 'a'));
}

TEST(automaton, one_pattern_may_have_several_ids) {
  automaton a;
  a.add("ab", 1);
  a.add("ab", 2);
  a.finish();
  EXPECT_THAT(matches(a, "abab"), ElementsAre(1, 2, 1, 2));
}

}  // namespace
}  // namespace gonets::bounce
