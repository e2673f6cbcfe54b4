#include "shaping/reply_rule.h"

#include <gtest/gtest.h>

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;

reply_rule named(std::string name) {
  reply_rule r;
  r.name = std::move(name);
  return r;
}

bool takes(const reply_rule& rule, const reply& r, stage at = stage::rcpt) {
  return matches(rule, folded_reply(r), at);
}

TEST(reply_rule, codes_are_exact_or_a_class) {
  EXPECT_EQ(parse_code_pattern("421"), (code_pattern{421, 421}));
  EXPECT_EQ(parse_code_pattern("5xx"), (code_pattern{500, 599}));
  for (const char* text : {"", "42", "4210", "250", "2xx", "4x1", "xx4", "4 1", "-42"})
    EXPECT_FALSE(parse_code_pattern(text)) << text;
  EXPECT_EQ(to_text(*parse_code_pattern("4xx")), "4xx");
  EXPECT_EQ(to_text(*parse_code_pattern("450")), "450");
}

TEST(reply_rule, statuses_are_whole_or_a_beginning) {
  EXPECT_TRUE(parse_status_pattern("4.7.28")->matches({4, 7, 28}));
  EXPECT_FALSE(parse_status_pattern("4.7.2")->matches({4, 7, 28}));
  EXPECT_TRUE(parse_status_pattern("4.7.")->matches({4, 7, 28}));
  EXPECT_FALSE(parse_status_pattern("4.7.")->matches({4, 70, 28}));
  EXPECT_TRUE(parse_status_pattern("5.")->matches({5, 1, 1}));
  for (const char* text : {"", "4", "4.7", "2.0.0", "4.7.28.", "4.7.1000", "4..1", "x.7.1", "4.7.x", "4.7.1 "})
    EXPECT_FALSE(parse_status_pattern(text)) << text;
  for (const char* text : {"4.", "4.7.", "5.7.28"})
    EXPECT_EQ(to_text(*parse_status_pattern(text)), text);
}

TEST(reply_rule, one_of_each_kind_of_condition_must_hold) {
  auto rule = named("r");
  rule.codes = {{421, 421}, {450, 450}};
  rule.statuses = {*parse_status_pattern("4.7.")};
  rule.texts = {text_pattern("too many"), text_pattern("slow*down")};
  rule.stages = {stage::mail, stage::rcpt};
  const reply good{450, {4, 7, 1}, "Please slow it down"};
  EXPECT_TRUE(takes(rule, good));
  EXPECT_FALSE(takes(rule, {451, {4, 7, 1}, "too many"}));
  EXPECT_FALSE(takes(rule, {450, {4, 2, 1}, "too many"}));
  EXPECT_FALSE(takes(rule, {450, {}, "too many"}));
  EXPECT_FALSE(takes(rule, {450, {4, 7, 1}, "no reason"}));
  EXPECT_FALSE(takes(rule, good, stage::data));
  EXPECT_TRUE(takes(rule, good, stage::none));
}

TEST(rule_book, the_first_match_wins_and_the_providers_own_rules_go_first) {
  auto general = named("general");
  general.codes = {{400, 499}};
  auto own = named("own");
  own.providers = {"big", "other"};
  own.codes = {{421, 421}};
  auto later = named("later");
  later.codes = {{421, 421}};
  const rule_book book({general, later, own});
  const auto found = [&](std::uint16_t code, std::string_view provider) {
    const reply r{code, {}, ""};
    const reply_rule* rule = book.find(folded_reply(r), stage::rcpt, provider);
    return rule == nullptr ? std::string("none") : rule->name;
  };
  EXPECT_EQ(found(421, ""), "general");
  EXPECT_EQ(found(421, "big"), "own");
  EXPECT_EQ(found(421, "third"), "general");
  EXPECT_EQ(found(450, "big"), "general");
  EXPECT_EQ(found(550, "big"), "none");
}

class judging : public testing::Test {
 protected:
  judging() {
    auto grey = named("grey");
    grey.texts = {text_pattern("greylisted")};
    grey.what = {.kind = verdict_kind::greylisted, .duration = 5min};
    auto blocked = named("blocked");
    blocked.codes = {{550, 550}};
    blocked.texts = {text_pattern("rate")};
    blocked.what = {.kind = verdict_kind::hold_site, .about = concern::egress, .duration = 1h};
    known_.replies = rule_book({grey, blocked});
    known_.providers = provider_table({{.name = "hinted", .mx = {"hinted.test"}, .greylisting = 20min}});
  }
  std::chrono::milliseconds waits(const std::string& text, const provider* of = nullptr) const {
    const auto found = known_.judge({450, {}, text}, stage::rcpt, of);
    return found ? found->what.duration : std::chrono::milliseconds(-1);
  }
  rules known_;
};

TEST_F(judging, a_greylisting_lasts_as_the_reply_says_else_the_provider_else_the_rule) {
  const provider* hinted = known_.providers.find("hinted");
  EXPECT_EQ(waits("Greylisted, come back in 120 seconds", hinted), 120s);
  EXPECT_EQ(waits("Greylisted", hinted), 20min);
  EXPECT_EQ(waits("Greylisted"), 5min);
}

TEST_F(judging, a_permanent_reply_can_be_deferred) {
  const auto found = known_.judge({550, {}, "Rate limit of your IP"}, stage::rcpt, nullptr);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rule->name, "blocked");
  EXPECT_EQ(found->what.kind, verdict_kind::hold_site);
  EXPECT_FALSE(found->what.final());
}

TEST_F(judging, nothing_is_said_of_replies_that_no_rule_knows_and_of_good_ones) {
  EXPECT_FALSE(known_.judge({550, {}, "No such user"}, stage::rcpt, nullptr));
  EXPECT_FALSE(known_.judge({250, {}, "greylisted"}, stage::rcpt, nullptr));
  EXPECT_FALSE(known_.judge({0, {}, "greylisted"}, stage::connect, nullptr));
}

TEST(verdict, is_written_with_what_belongs_to_it) {
  EXPECT_EQ(to_text(verdict{.kind = verdict_kind::slow_down, .duration = 30min, .factor = 0.5}),
            "slow_down to 50% for 30m");
  EXPECT_EQ(to_text(verdict{.kind = verdict_kind::slow_down, .to = rate{20, 1min}}), "slow_down to 20/m");
  EXPECT_EQ(to_text(verdict{.kind = verdict_kind::fail}), "fail");
}

TEST(verdict, rates_are_so_many_a_unit) {
  EXPECT_EQ(parse_rate("20/m"), (rate{20, 1min}));
  EXPECT_EQ(parse_rate("1000000/d"), (rate{1'000'000, 24h}));
  for (const char* text : {"", "20", "/m", "0/m", "20/", "20/w", "20 /m", "-1/m", "1000001/m", "20/min"})
    EXPECT_FALSE(parse_rate(text)) << text;
  EXPECT_EQ(to_text(rate{5, 1s}), "5/s");
}

}  // namespace
}  // namespace gonets::shaping
