#include "delivery/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gonets::delivery {
namespace {

using smtp::disposition;
using ::testing::ElementsAre;

smtp::recipient_outcome outcome(disposition what, const char* text, bool from_peer = true) {
  smtp::recipient_outcome o;
  o.what = what;
  o.from_peer = from_peer;
  o.answer = {450, {4, 2, 1}, text};
  return o;
}

spool::lease three() {
  spool::lease l;
  l.site = spool::site_id{7};
  l.entries = {10, 11, 12};
  l.recipients = {recipient_index{0}, recipient_index{1}, recipient_index{2}};
  return l;
}

TEST(job, takes_out_whom_another_host_may_take_with_what_was_said_of_them) {
  auto l = three();
  std::vector outcomes{outcome(disposition::deferred, "a"), outcome(disposition::delivered, "b"),
                       outcome(disposition::deferred, "c")};
  const auto rest = take_passed_over(
      l, outcomes, [](std::size_t i) { return i != 1; }, "mx1.test", "192.0.2.1");
  ASSERT_TRUE(rest);
  EXPECT_THAT(l.entries, ElementsAre(11));
  EXPECT_THAT(l.recipients, ElementsAre(recipient_index{1}));
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].answer.text, "b");
  EXPECT_THAT(rest->lease.entries, ElementsAre(10, 12));
  EXPECT_EQ(rest->lease.site, spool::site_id{7});
  ASSERT_EQ(rest->said.size(), 2u);
  EXPECT_EQ(rest->said[1].answer.text, "c");
  EXPECT_EQ(rest->host, "mx1.test");
}

TEST(job, leaves_a_lease_alone_of_which_nobody_may_go_elsewhere) {
  auto l = three();
  std::vector outcomes{outcome(disposition::deferred, "a"), outcome(disposition::deferred, "b"),
                       outcome(disposition::deferred, "c")};
  EXPECT_FALSE(take_passed_over(
      l, outcomes, [](std::size_t) { return false; }, "mx1.test", ""));
  EXPECT_THAT(l.entries, ElementsAre(10, 11, 12));
  EXPECT_EQ(outcomes.size(), 3u);
}

TEST(job, keeps_what_a_host_said_unless_the_next_one_says_something_itself) {
  job j{three(),
        {outcome(disposition::deferred, "a"), outcome(disposition::deferred, "b"), outcome(disposition::deferred, "c")},
        "mx1.test",
        ""};
  std::vector outcomes{outcome(disposition::delivered, "x", false), outcome(disposition::deferred, "y"),
                       outcome(disposition::deferred, "z", false)};
  keep_said(j, outcomes);
  EXPECT_EQ(outcomes[0].answer.text, "x");
  EXPECT_EQ(outcomes[1].answer.text, "y");
  EXPECT_EQ(outcomes[2].answer.text, "c");
}

}  // namespace
}  // namespace gonets::delivery
