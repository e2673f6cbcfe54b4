#include "config/bounce_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bounce/rule_check.h"

namespace gonets::config {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

TEST(bounce_rules, every_shipped_rule_wins_its_samples) {
  EXPECT_THAT(check_samples(shipped_classifier()), ElementsAre());
}

TEST(bounce_rules, errors_name_their_place) {
  const auto read = parse_bounce_rules("[[rule]]\nname = \"a\"\nwieght = 3\n", "f.toml");
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(to_text(read.error().front()), HasSubstr("f.toml:3"));
  EXPECT_THAT(to_text(read.error().front()), HasSubstr("weight"));
}

TEST(bounce_rules, a_rule_that_names_no_concept_is_a_fault) {
  auto read = parse_bounce_rules(
      "[[rule]]\nname = \"a\"\ncategory = \"policy\"\nweight = 3\nall = [\"nothing\"]\nsamples = [\"x\"]\n", "f.toml");
  ASSERT_TRUE(read.has_value());
  std::vector<std::string> faults;
  const bounce::classifier made(std::move(*read), faults);
  EXPECT_THAT(faults, ElementsAre("1: rule \"a\" names a concept that is not there: \"nothing\""));
}

}  // namespace
}  // namespace gonets::config
