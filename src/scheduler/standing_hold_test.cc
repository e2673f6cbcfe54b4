#include "scheduler/standing_hold.h"

#include "scheduler/scheduler_test_support.h"

namespace gonets::scheduler {
namespace {
using smtp::disposition;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class standing : public scheduling {
 protected:
  void hold(std::vector<standing_hold> all) {
    on_shard([&] { scheduler_->hold_back(std::make_shared<const standing_holds>(std::move(all))); });
    wait_for_disk();
  }
  static standing_hold on(std::uint32_t id) {
    standing_hold h;
    h.id = hold_id{id};
    h.reason = "for a test";
    return h;
  }
  std::shared_ptr<spool::queued_message> to(const std::string& domain, const std::string& stream = "transactional",
                                            std::uint32_t account = 0) {
    auto m = message();
    m->envelope.recipients.front().address = "a@" + domain;
    m->stream = stream;
    m->account = account_id{account};
    return m;
  }
  // Takes and delivers all that may go.
  std::vector<message_id> deliver() {
    std::vector<message_id> ids;
    while (auto l = take()) {
      ids.push_back(l->message->id);
      settle(std::move(*l), {disposition::delivered}, stage::end_of_data);
    }
    return ids;
  }
  std::vector<std::string> obstacles(message_id id) {
    std::vector<std::string> words;
    const auto all = explain(id);
    for (const auto& o : all.at(0).obstacles)
      words.push_back(o.what);
    return words;
  }
};

TEST_F(standing, is_shown_by_domain_whatever_else_the_mail_asks_of_its_way) {
  auto h = on(1);
  h.domain = "sink.test";
  hold({h});
  const auto plain = to("sink.test"), by_tls = to("sink.test");
  by_tls->envelope.require_tls = true;
  admit(plain);
  admit(by_tls);
  const auto lines = on_shard([&] { return scheduler_->lines(10); });
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0].site, "sink.test");
  EXPECT_EQ(lines[0].held, 2u);
}

TEST_F(standing, keeps_back_what_is_queued_and_what_comes_and_lets_both_go_when_released) {
  const auto before = to("sink.test", "bulk");
  admit(before);
  auto h = on(1);
  h.stream = "bulk";
  hold({h});
  const auto during = to("sink.test", "bulk"), other = to("sink.test");
  admit(during);
  admit(other);
  EXPECT_THAT(deliver(), ElementsAre(other->id));
  EXPECT_EQ(count().held, 2u);
  EXPECT_THAT(obstacles(during->id), ElementsAre("standing_hold"));
  const auto why = explain(during->id)[0];
  EXPECT_EQ(why.obstacles[0].detail, "hold 1: for a test; `gonets hold release 1` lets it go");
  EXPECT_EQ(why.entry.why_paused, why.obstacles[0].detail);
  EXPECT_EQ(on_shard([&] { return scheduler_->count_held_back(); })[hold_id{1}], 2u);
  EXPECT_THAT(history(before->id), ElementsAre("accepted"));
  hold({});
  EXPECT_THAT(deliver(), SizeIs(2));
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

TEST_F(standing, asks_for_all_that_a_hold_names) {
  auto h = on(1);
  h.account = account_id{5};
  h.domain = "sink.test";
  h.stream = "bulk";
  hold({h});
  const auto held = to("sink.test", "bulk", 5);
  const std::vector others{to("other.test", "bulk", 5), to("sink.test", "transactional", 5),
                           to("sink.test", "bulk", 6)};
  admit(held);
  for (const auto& m : others)
    admit(m);
  EXPECT_THAT(deliver(), SizeIs(3));
  EXPECT_THAT(obstacles(held->id), ElementsAre("standing_hold"));
}

TEST_F(standing, knows_a_provider_by_the_recipient_s_domain) {
  auto h = on(1);
  h.provider = "small";
  hold({h});
  const auto held = to("small.test"), other = to("sink.test");
  admit(held);
  admit(other);
  EXPECT_THAT(deliver(), ElementsAre(other->id));
  hold({});
  EXPECT_THAT(deliver(), ElementsAre(held->id));
}

TEST_F(standing, lets_an_attempt_under_way_end_and_names_itself_behind_the_time_of_the_next) {
  const auto m = to("sink.test");
  admit(m);
  auto l = take();
  ASSERT_TRUE(l);
  auto h = on(1);
  h.domain = "sink.test";
  hold({h});
  settle(std::move(*l), {disposition::deferred});
  EXPECT_THAT(obstacles(m->id), ElementsAre("retry_time", "standing_hold"));
  pass(24h);
  EXPECT_THAT(deliver(), IsEmpty());
  EXPECT_THAT(obstacles(m->id), ElementsAre("standing_hold"));
}

TEST_F(standing, goes_on_with_what_another_hold_or_a_pause_still_keeps) {
  auto stream = on(1), domain = on(2);
  stream.stream = "transactional";
  domain.domain = "sink.test";
  hold({stream, domain});
  const auto m = to("sink.test");
  admit(m);
  hold({domain});
  EXPECT_THAT(deliver(), IsEmpty());
  on_shard([&] {
    scheduler_->pause_accounts(
        std::make_shared<const scheduler::account_reasons>(scheduler::account_reasons{{account_id{0}, "paused"}}));
  });
  hold({});
  EXPECT_THAT(deliver(), IsEmpty());
  on_shard([&] { scheduler_->pause_accounts(std::make_shared<const scheduler::account_reasons>()); });
  wait_for_disk();
  EXPECT_THAT(deliver(), ElementsAre(m->id));
}

TEST_F(standing, can_be_removed_from_the_queue_and_held_one_by_one) {
  auto h = on(1);
  h.domain = "sink.test";
  hold({h});
  const auto m = to("sink.test"), kept = to("sink.test");
  admit(m);
  admit(kept);
  selector one;
  one.id = m->id;
  EXPECT_EQ(on_shard([&] { return scheduler_->act(one, action::remove, "wrong list"); }), 1u);
  wait_for_disk();
  flush();
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "cancelled"));
  one.id = kept->id;
  EXPECT_EQ(on_shard([&] { return scheduler_->act(one, action::hold, "this one, too"); }), 1u);
  flush();
  hold({});
  EXPECT_THAT(deliver(), IsEmpty());
  EXPECT_EQ(on_shard([&] { return scheduler_->act(one, action::release, ""); }), 1u);
  wait_for_disk();
  EXPECT_THAT(deliver(), ElementsAre(kept->id));
}

}  // namespace
}  // namespace gonets::scheduler
