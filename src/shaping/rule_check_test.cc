#include "shaping/rule_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gonets::shaping {
namespace {

using testing::HasSubstr;

reply_rule rule(std::string name, std::string_view text, std::vector<std::string> samples) {
  reply_rule r;
  r.name = std::move(name);
  r.texts = {text_pattern(text)};
  r.samples = std::move(samples);
  return r;
}

std::vector<rule_fault> faults(std::vector<reply_rule> all) {
  return check_samples({{}, rule_book(std::move(all))});
}

TEST(parse_reply, reads_code_status_and_text_of_all_lines) {
  EXPECT_EQ(parse_reply("450 4.2.1 come back"), (reply{450, {4, 2, 1}, "come back"}));
  EXPECT_EQ(parse_reply("421-4.7.0 first\n421 4.7.0 last"), (reply{421, {4, 7, 0}, "first\nlast"}));
  EXPECT_EQ(parse_reply("550 no status"), (reply{550, {}, "no status"}));
  EXPECT_EQ(parse_reply("550 5.1.1"), (reply{550, {5, 1, 1}, ""}));
  EXPECT_EQ(parse_reply("550"), (reply{550, {}, ""}));
  EXPECT_EQ(parse_reply("450 5.1.1 of another class"), (reply{450, {}, "5.1.1 of another class"}));
  EXPECT_EQ(parse_reply("450 text\r"), (reply{450, {}, "text"}));
}

TEST(parse_reply, takes_negative_replies_only) {
  for (const char* text : {"", "250 ok", "45 text", "text", "4501 text", "450-a\n451 b", "450 a\nb", "650 a"})
    EXPECT_FALSE(parse_reply(text)) << text;
}

TEST(check_samples, finds_nothing_in_good_rules) {
  EXPECT_TRUE(faults({rule("a", "alpha", {"450 alpha"}), rule("b", "beta", {"450 beta"})}).empty());
}

TEST(check_samples, finds_a_rule_without_samples_and_one_that_misses_them) {
  const auto found = faults({rule("a", "alpha", {}), rule("b", "beta", {"450 alpha", "no reply"})});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].kind, rule_fault_kind::no_sample);
  EXPECT_EQ(found[1].kind, rule_fault_kind::misses_sample);
  EXPECT_EQ(found[2].kind, rule_fault_kind::not_a_reply);
  EXPECT_THAT(to_text(found[1]), HasSubstr("\"b\" misses its sample \"450 alpha\""));
}

TEST(check_samples, finds_a_counter_example_that_is_taken) {
  auto r = rule("a", "alpha", {"450 alpha"});
  r.counter_examples = {"450 alphabet", "450 beta"};
  const auto found = faults({r});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], (rule_fault{rule_fault_kind::takes_counter_example, "a", 0, "450 alphabet", ""}));
}

TEST(check_samples, finds_a_rule_that_an_earlier_one_shadows) {
  const auto found = faults({rule("wide", "alpha", {"450 alpha"}), rule("narrow", "alpha beta", {"450 alpha beta"})});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind, rule_fault_kind::shadowed);
  EXPECT_EQ(found[0].taken_by, "wide");
  EXPECT_THAT(to_text(found[0]), HasSubstr("\"wide\" takes it"));
}

TEST(check_samples, a_rule_that_has_its_sample_at_some_stage_is_not_shadowed) {
  auto at_connect = rule("at-connect", "alpha", {"450 alpha"});
  at_connect.stages = {stage::connect, stage::greeting};
  EXPECT_TRUE(faults({at_connect, rule("later", "alpha", {"450 alpha"})}).empty());
  auto also_at_connect = rule("also-at-connect", "alpha", {"450 alpha"});
  also_at_connect.stages = {stage::greeting};
  EXPECT_EQ(faults({at_connect, also_at_connect}).size(), 1u);
}

TEST(check_samples, a_general_rule_does_not_shadow_a_providers_own) {
  auto own = rule("own", "alpha", {"450 alpha"});
  own.providers = {"big", "other"};
  EXPECT_TRUE(faults({rule("general", "alpha", {"450 alpha"}), own}).empty());
  auto second = own;
  second.name = "second";
  second.providers = {"third", "other"};
  EXPECT_EQ(faults({own, second}).size(), 1u);
}

}  // namespace
}  // namespace gonets::shaping
