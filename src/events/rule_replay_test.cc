#include "events/rule_replay.h"

#include <gmock/gmock.h>

#include "config/rules.h"

namespace gonets::events {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class rule_replays : public testing::Test {
 protected:
  static rule_replay::rules_ptr rules(const std::string& text) {
    auto read = config::parse_rules(text, "test.toml");
    EXPECT_TRUE(read) << (read ? "" : config::to_text(read.error().front()));
    return std::make_shared<const shaping::rules>(std::move(*read));
  }
  static std::string rule(const std::string& name, const std::string& text, const std::string& rest) {
    return "[[rule]]\nname = \"" + name + "\"\ntext = \"" + text + "\"\nwhy = \"w\"\nsamples = [\"450 " + text +
           "\"]\n" + rest + "\n";
  }
  static event refusal(std::uint16_t code, const std::string& text, std::vector<std::string> recipients = {"a@c.test"},
                       const std::string& site = "mx:mx.c.test") {
    event e;
    e.kind = code < 500 ? kind::deferred : kind::bounced;
    e.at_stage = stage::rcpt;
    e.answer = {code, {}, text};
    e.from_peer = true;
    e.route = site;
    for (auto& r : recipients)
      e.recipients.push_back({recipient_index{static_cast<std::uint16_t>(e.recipients.size())}, r});
    return e;
  }
};

TEST_F(rule_replays, says_nothing_where_both_sets_say_the_same) {
  const auto text = rule("slow", "too fast", "verdict = \"slow_down\"\nto = \"50%\"\nabout = \"egress\"");
  rule_replay r(rules(text), rules(text));
  r.add(refusal(421, "too fast"));
  r.add(refusal(550, "no such user"));
  EXPECT_EQ(r.replies(), 2u);
  EXPECT_EQ(r.different(), 0u);
  EXPECT_THAT(r.groups(), IsEmpty());
}

TEST_F(rule_replays, groups_what_is_judged_otherwise_the_most_frequent_first) {
  const auto before = rule("slow", "too fast", "verdict = \"slow_down\"\nto = \"50%\"\nabout = \"egress\"");
  const auto after = rule("hold", "too fast", "verdict = \"hold_site\"\nfor = \"30m\"\nabout = \"site\"") +
                     rule("later", "mailbox*moved", "verdict = \"defer\"\nfor = \"1h\"\nabout = \"address\"");
  rule_replay r(rules(before), rules(after));
  r.add(refusal(550, "mailbox is moved"));
  r.add(refusal(421, "too fast", {"a@c.test", "b@d.test"}));
  r.add(refusal(421, "far too fast", {"c@c.test"}));
  const auto groups = r.groups();
  ASSERT_THAT(groups, SizeIs(2));
  EXPECT_EQ(groups[0].now, (judgement{"slow", "slow_down to 50%", "egress"}));
  EXPECT_EQ(groups[0].then, (judgement{"hold", "hold_site for 30m", "site"}));
  EXPECT_EQ(groups[0].recipients, 3u);
  EXPECT_EQ(groups[0].latest.answer.text, "far too fast");
  EXPECT_EQ(groups[0].latest.recipients.front().address, "c@c.test");
  EXPECT_EQ(groups[1].now, (judgement{"", "fail", ""}));
  EXPECT_EQ(groups[1].then.verdict, "defer for 1h");
  EXPECT_EQ(r.replies(), 4u);
  EXPECT_EQ(r.different(), 4u);
}

TEST_F(rule_replays, finds_the_provider_by_the_domain_and_by_the_site) {
  const std::string big =
      "[[provider]]\nname = \"big\"\ntitle = \"Big\"\nmx = [\"big.test\"]\ndomains = [\"big.example\"]\n";
  const auto after = big + rule("ours", "no", "provider = \"big\"\nverdict = \"fail\"\nabout = \"address\"");
  rule_replay r(rules(big), rules(after));
  r.add(refusal(450, "no", {"x@elsewhere.test"}, "mx:a.big.test,b.big.test;tls=dane"));
  r.add(refusal(450, "no", {"x@big.example"}, "smtp://smarthost.test:25"));
  r.add(refusal(450, "no", {"x@elsewhere.test"}, "mx:mx.c.test"));
  EXPECT_EQ(r.different(), 2u);
}

TEST_F(rule_replays, counts_apart_what_another_rule_judges_the_same) {
  const std::string same = "verdict = \"fail\"\nabout = \"address\"";
  rule_replay r(rules(rule("old", "gone", same)), rules(rule("new", "gone", same)));
  r.add(refusal(450, "gone"));
  EXPECT_EQ(r.different(), 0u);
  EXPECT_EQ(r.same_by_another_rule(), 1u);
}

TEST_F(rule_replays, passes_over_our_own_words_and_what_is_no_refusal) {
  rule_replay r(rules(""), rules(rule("x", "no", "verdict = \"fail\"\nabout = \"address\"")));
  auto ours = refusal(451, "no");
  ours.from_peer = false;
  r.add(ours);
  r.add(refusal(250, "no"));
  EXPECT_EQ(r.replies(), 0u);
}

TEST_F(rule_replays, reads_hosts_from_a_site_s_key) {
  EXPECT_THAT(hosts_of_site("mx:a.test,b.test;tls=dane"), ElementsAre("a.test", "b.test"));
  EXPECT_THAT(hosts_of_site("smtp://a.test:25"), IsEmpty());
}

}  // namespace
}  // namespace gonets::events
