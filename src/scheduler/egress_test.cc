#include "scheduler/scheduler_test_support.h"

namespace gonets::scheduler {
namespace {

using smtp::disposition;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class egress_scheduling : public scheduling {
 protected:
  // Delivery gives the lease back since its egress is down.
  void give_back(spool::lease l, std::chrono::milliseconds lasts) {
    spool::attempt_result r;
    r.recipients.resize(l.recipients.size());
    r.egress_down = spool::egress_trouble{"the egress a does not work: broken", lasts};
    const auto site = l.site;
    on_shard([&] {
      scheduler_->settle(std::move(l), std::move(r));
      scheduler_->connection_closed(site, false);
    });
    flush();
  }
  std::string last_opened() { return transport_.opened.empty() ? "" : transport_.opened.back().second; }
};

TEST_F(egress_scheduling, sends_what_its_egress_cannot_carry_by_the_other_way_without_counting_an_attempt) {
  const auto first = message(), second = message();
  admit(first);
  auto l = take();
  const auto before = last_opened();
  admit(second);
  directory_.by_other_egress = " via b";
  give_back(std::move(*l), 30s);
  EXPECT_EQ(last_opened(), before + " via b");
  for (int n = 0; n < 2; ++n) {
    auto again = take();
    ASSERT_TRUE(again);
    settle(std::move(*again), {disposition::delivered}, stage::end_of_data);
  }
  EXPECT_THAT(load(), IsEmpty());
  EXPECT_THAT(history(first->id), ElementsAre("accepted", "delivered"));
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

TEST_F(egress_scheduling, lets_mail_wait_that_has_no_other_way_and_says_why) {
  const auto m = message();
  admit(m);
  give_back(*take(), 30s);
  const auto opened = transport_.opened.size();
  EXPECT_FALSE(take());
  const auto told = explain(m->id);
  ASSERT_THAT(told, SizeIs(1));
  ASSERT_FALSE(told[0].obstacles.empty());
  EXPECT_THAT(told[0].obstacles[0].detail, HasSubstr("the egress a does not work: broken"));
  pass(29s);
  EXPECT_EQ(transport_.opened.size(), opened);
  pass(2s);
  EXPECT_GT(transport_.opened.size(), opened);
  EXPECT_TRUE(take());
  EXPECT_THAT(history(m->id), ElementsAre("accepted"));
}

TEST_F(egress_scheduling, gives_up_what_has_waited_for_an_egress_for_too_long) {
  const auto m = message();
  admit(m);
  auto l = take();
  time_.pass(shaping::default_retry_policy().expires_after + 1s);
  give_back(std::move(*l), 30s);
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "expired"));
}

TEST_F(egress_scheduling, tries_at_once_by_another_egress_what_the_receiver_wants_from_no_address_like_this) {
  directory_.has_other_egress = true;
  const auto m = message();
  admit(m);
  settle_with(*take(), {554, {5, 7, 1}, "your address is listed"});
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "deferred"));
  pass(1ms);
  EXPECT_THAT(last_opened(), HasSubstr(".other"));
  EXPECT_TRUE(take());
}

TEST_F(egress_scheduling, defers_by_the_schedule_where_there_is_no_other_egress) {
  const auto m = message();
  admit(m);
  settle_with(*take(), {554, {5, 7, 1}, "your address is listed"});
  pass(1s);
  EXPECT_FALSE(take());
  EXPECT_EQ(count().deferred, 1u);
}

}  // namespace
}  // namespace gonets::scheduler
