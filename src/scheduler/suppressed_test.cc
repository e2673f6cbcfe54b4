// Mail to addresses that were put on the list while it waited.
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
  const auto found = store_->find_suppression(account_id{1}, "GONE@sink.test", "bulk", time_.wall());
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

}  // namespace
}  // namespace gonets::scheduler
