#include "bounce/classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bounce/reply_text.h"

namespace gonets::bounce {
namespace {
using testing::ElementsAre;

class classifying : public testing::Test {
 protected:
  static rule made(std::string name, category is, unsigned weight) {
    rule r;
    r.name = std::move(name);
    r.is = is;
    r.weight = weight;
    return r;
  }
  classifying() {
    file_.concepts = {{.name = "negation", .words = {"not"}},
                      {.name = "who", .words = {"user", "*box"}},
                      {.name = "full", .words = {"full*"}, .negatable = true},
                      {.name = "list", .words = {"spamhaus"}, .in_hosts = true}};
    rule full = made("full", category::mailbox_full, 70);
    full.all = {"who", "full"};
    full.within = 3;
    rule listed = made("listed", category::blocklisted, 80);
    listed.all = {"list"};
    rule unknown = made("unknown", category::user_unknown, 60);
    unknown.phrases = {"no such"};
    unknown.codes = {"5xx"};
    rule grey = made("grey", category::greylisted, 90);
    grey.phrases = {"greylist*"};
    rule status = made("status", category::user_unknown, 30);
    status.statuses = {"x.1.1"};
    rule reputation = made("reputation", category::reputation, 75);
    reputation.phrases = {"bad reputation"};
    file_.rules = {full, listed, unknown, grey, status, reputation};
  }
  verdict of(std::string_view text, bool delayed = false) const {
    std::vector<std::string> faults;
    const classifier all(file_, faults);
    EXPECT_THAT(faults, ElementsAre());
    const auto codes = find_codes(text);
    return all.classify({codes.code, codes.status, text, delayed});
  }
  category is(std::string_view text) const { return of(text).is; }
  rule_file file_;
};

TEST_F(classifying, concepts_must_be_near_each_other) {
  EXPECT_EQ(is("552 the mailbox is full"), category::mailbox_full);
  EXPECT_EQ(is("552 the mailbox of whom you want to reach, is full"), category::unknown);
}

TEST_F(classifying, what_is_denied_does_not_count) {
  EXPECT_EQ(is("450 the mailbox is not full"), category::unknown);
}

TEST_F(classifying, the_heaviest_rule_wins) {
  EXPECT_EQ(is("550 no such user; see https://www.spamhaus.org/x"), category::blocklisted);
}

TEST_F(classifying, codes_decide_when_the_text_says_nothing) {
  EXPECT_EQ(is("550 5.1.1 sorry"), category::user_unknown);
  EXPECT_EQ(is("450 no such"), category::unknown);
}

TEST_F(classifying, only_a_dead_address_is_suppressed) {
  EXPECT_TRUE(of("550 no such user").suppress);
  EXPECT_FALSE(of("450 4.1.1 try again").suppress);
  EXPECT_FALSE(of("550 5.1.1 bad reputation").suppress);
  EXPECT_TRUE(of("550 5.1.1 bad reputation").permanent);
}

TEST_F(classifying, greylisting_passes_whatever_the_code_says) {
  EXPECT_FALSE(of("550 5.7.1 greylisted").permanent);
  EXPECT_FALSE(of("550 no such user", true).permanent);
}

TEST_F(classifying, a_text_of_nothing_but_hits_is_survived) {
  std::string text;
  for (int i = 0; i < 10'000; ++i)
    text += "user full ";
  EXPECT_EQ(is(text), category::mailbox_full);
}

}  // namespace
}  // namespace gonets::bounce
