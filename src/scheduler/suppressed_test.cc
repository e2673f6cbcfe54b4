// Mail to addresses that were put on the list while it waited.
#include "config/bounce_rules.h"
#include "scheduler/scheduler_test_support.h"

namespace gonets::scheduler {
namespace {
using ::testing::ElementsAre;

class suppressing : public scheduling {
 protected:
  void SetUp() override {
    scheduling::SetUp();
    scheduler_.reset();
    begin({.adaptive = false});
  }
  std::shared_ptr<spool::queued_message> to(const char* address) {
    auto m = message();
    m->account = account_id{1};
    m->envelope.recipients[0].address = address;
    m->envelope.reverse_path.clear();  // no reports, which would be taken as well
    return m;
  }
  void suppress(const char* address) {
    spool::change c;
    c.suppressions.push_back({{account_id{1}, address, {}, "manual", {}, time_.wall(), {}}, false});
    std::promise<void> done;
    c.done = [&](spool::commit_status) { done.set_value(); };
    store_->settle(std::move(c));
    done.get_future().get();
  }
};

TEST_F(suppressing, gives_back_the_place_in_flight_of_what_is_not_sent) {
  shaping::limit_order order;
  order.about.account = "account-1";
  order.settings = {{.what = shaping::limit_kind::in_flight, .max = 2, .source = "test"}};
  limits_.configure({order});
  std::vector<std::shared_ptr<spool::queued_message>> dead;
  for (int i = 0; i < 5; ++i) {
    dead.push_back(to("dead@sink.test"));
    admit(dead.back());
  }
  suppress("dead@sink.test");
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(take());
    wait_for_disk();
    flush();
  }
  for (const auto& m : dead)
    EXPECT_THAT(history(m->id), ElementsAre("accepted", "suppressed"));
  const auto alive = to("alive@sink.test");
  admit(alive);
  const auto l = take();
  ASSERT_TRUE(l) << "the places in flight of what was suppressed are still taken";
  EXPECT_EQ(l->message->id, alive->id);
}

TEST_F(suppressing, takes_any_number_of_suppressed_messages_in_bounded_stack) {
  constexpr int many = 30'000;  // enough to use up a stack if each cost a frame
  std::vector<std::shared_ptr<spool::queued_message>> all;
  for (int i = 0; i < many; ++i)
    all.push_back(to("dead@sink.test"));
  std::atomic<int> left{many};
  std::promise<void> stored;
  for (const auto& m : all) {
    spool::acceptance a;
    a.message = m;
    a.event = spool::make_event(events::kind::accepted, *m, {0});
    a.done = [&](spool::commit_status) {
      if (--left == 0) stored.set_value();
    };
    store_->accept(std::move(a));
  }
  stored.get_future().get();
  on_shard([&] {
    for (const auto& m : all)
      scheduler_->admit(m);
  });
  suppress("dead@sink.test");
  EXPECT_FALSE(take());
}

TEST_F(suppressing, is_what_a_rule_can_ask_for) {
  const auto m = to("gone@sink.test");
  admit(m);
  settle_with(*take(), {550, {5, 2, 1}, "account closed"});  // rule "dead"
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "bounced"));
  const auto found = store_->find_suppression(account_id{1}, "GONE@sink.test", {"bulk", {}}, time_.wall());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->reason, "dead");
  EXPECT_EQ(found->source, m->id);
  const auto next = to("gone@sink.test");
  admit(next);
  wait_for_disk();
  flush();
  EXPECT_THAT(history(next->id), ElementsAre("accepted", "suppressed"));
  EXPECT_EQ(audit_now().suppressed, 1u);
}

TEST_F(suppressing, is_not_for_the_account_that_relays_for_others) {
  const auto m = to("gone@sink.test");
  m->account = account_id{0};
  admit(m);
  settle_with(*take(), {550, {5, 2, 1}, "account closed"});
  EXPECT_FALSE(store_->may_be_suppressed(account_id{0}, "gone@sink.test"));
}

TEST_F(suppressing, lets_go_what_its_sender_may_send_all_the_same) {
  suppress("dead@sink.test");
  const auto m = to("dead@sink.test");
  m->ignores_suppression = true;
  admit(m);
  auto l = take();
  ASSERT_TRUE(l);
  settle(std::move(*l), {smtp::disposition::deferred});
  pass(24h);
  l = take();
  ASSERT_TRUE(l) << "it is looked up again before an attempt";
  settle(std::move(*l), {smtp::disposition::delivered});
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "deferred", "delivered"));
}

class soft_bounces_of_mail : public suppressing {
 protected:
  void SetUp() override {
    bounces_ = &config::shipped_classifier();
    suppressing::SetUp();
    bounce::suppression_policy own;
    own.soft_bounces = 2;
    own.soft_over = std::chrono::days(1);
    const scheduler::suppression_policies all{{account_id{1}, own}};
    on_shard([&] { scheduler_->suppress_by(std::make_shared<const scheduler::suppression_policies>(all)); });
  }
  // Whether it went; else it was suppressed.
  bool bounce(reply answer, account_id who = account_id{1}) {
    const auto m = to("full@sink.test");
    m->account = who;
    admit(m);
    wait_for_disk();
    auto l = take();
    if (!l) return false;
    settle_with(std::move(*l), std::move(answer));
    return true;
  }
  const reply full_{552, {5, 2, 2}, "mailbox full"};
};

TEST_F(soft_bounces_of_mail, suppress_by_the_policy_of_its_account) {
  EXPECT_TRUE(bounce(full_));
  pass(25h);
  EXPECT_TRUE(bounce(full_));
  const auto found = store_->find_suppression(account_id{1}, "full@sink.test", {"bulk", {}}, time_.wall());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->reason, "soft_bounces");
  EXPECT_EQ(found->expires, time_.wall() + std::chrono::days(30));
  EXPECT_FALSE(bounce(full_));
}

TEST_F(soft_bounces_of_mail, begin_anew_with_a_delivery_and_count_nothing_about_the_sender) {
  EXPECT_TRUE(bounce(full_));
  EXPECT_TRUE(store_->may_have_soft_bounces(account_id{1}, "Full@sink.test"));
  const auto well = to("full@sink.test");
  admit(well);
  settle(*take(), {smtp::disposition::delivered});
  EXPECT_FALSE(store_->may_have_soft_bounces(account_id{1}, "full@sink.test"));
  pass(25h);
  EXPECT_TRUE(bounce({550, {5, 7, 1}, "Your IP is blocked by our reputation system"}));
  EXPECT_TRUE(bounce(full_));
  EXPECT_FALSE(store_->may_be_suppressed(account_id{1}, "full@sink.test"));
}

TEST_F(soft_bounces_of_mail, are_not_counted_where_the_policy_says_so) {
  bounce::suppression_policy none;
  none.soft_bounces = 0;
  none.at_once.reset();
  const scheduler::suppression_policies all{{account_id{1}, none}};
  on_shard([&] { scheduler_->suppress_by(std::make_shared<const scheduler::suppression_policies>(all)); });
  EXPECT_TRUE(bounce(full_));
  EXPECT_FALSE(store_->may_have_soft_bounces(account_id{1}, "full@sink.test"));
  EXPECT_TRUE(bounce({550, {5, 1, 1}, "User unknown"}));
  EXPECT_FALSE(store_->may_be_suppressed(account_id{1}, "full@sink.test"));
  EXPECT_TRUE(bounce(full_, account_id{0}));
  EXPECT_FALSE(store_->may_have_soft_bounces(account_id{0}, "full@sink.test")) << "it relays for others";
}

}  // namespace
}  // namespace gonets::scheduler
