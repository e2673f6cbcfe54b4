// Who goes next and when: pace, limits, holds of accounts, and what operators are told of it.
#include "scheduler/scheduler_test_support.h"

namespace gonets::scheduler {
namespace {

using smtp::disposition;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class pacing : public scheduling {
 protected:
  void SetUp() override {
    directory_.how = spool::destination::pacing::careful;
    open();
    begin(pace_);
  }
  void restart_with(pace_options pace) {
    scheduler_.reset();
    begin(pace);
  }
  std::shared_ptr<spool::queued_message> of(std::uint32_t account, const char* stream = "bulk") {
    auto m = message();
    m->account = account_id{account};
    m->stream = stream;
    return m;
  }
  std::size_t take_all() {
    const auto before = taken_.size();
    for (auto n = before + 1; n != taken_.size();) {
      n = taken_.size();
      flush();  // what is limited must be counted on the disk first
      while (auto l = take())
        taken_.push_back(std::move(*l));
    }
    return taken_.size() - before;
  }
  // As after a crash: nothing is left but what is on the disk.
  void restart_all(pace_options pace) {
    close();
    scheduler_.reset();
    transport_.opened.clear();
    open();
    begin(pace);
  }
  void settle_taken(disposition what = disposition::delivered) {
    for (auto& l : taken_)
      settle(std::move(l), {what}, stage::end_of_data);
    taken_.clear();
  }
  std::vector<std::string> pace_events() {
    flush();
    std::vector<std::string> all;
    const auto found = events::read_after(store_->store(), {}, 10'000);
    for (const auto& e : *found) {
      if (e.kind == events::kind::pace) all.push_back(e.reason);
    }
    return all;
  }
  site_view view() {
    std::promise<site_view> seen;
    auto answer = seen.get_future();
    on_shard([&] {
      scheduler_->view_site("sink.test", [&seen](std::optional<site_view> v, const smtp::recipient_outcome&) {
        seen.set_value(v.value_or(site_view()));
      });
      auto find = std::move(directory_.waiting.back());
      directory_.waiting.pop_back();
      find(directory_.known("sink.test"), {});
    });
    return answer.get();
  }

  pace_options pace_{.start_rate = 2, .start_connections = 4};
  std::vector<spool::lease> taken_;
};

TEST_F(pacing, sends_to_a_new_site_at_the_start_rate) {
  for (int i = 0; i < 20; ++i)
    admit(of(1));
  std::size_t sent = take_all();
  EXPECT_LE(sent, 2u);
  for (int i = 0; i < 20; ++i) {
    settle_taken();
    pass(100ms);
    sent += take_all();
  }
  EXPECT_GE(sent, 4u);
  EXPECT_LE(sent, 6u) << "2 a second for 2 seconds";
}

TEST_F(pacing, goes_faster_while_all_is_accepted_and_says_so) {
  for (int i = 0; i < 200; ++i)
    admit(of(1));
  for (int i = 0; i < 100; ++i) {
    take_all();
    settle_taken();
    pass(100ms);
  }
  EXPECT_GT(view().streams.at(0).rate, 4);
  EXPECT_THAT(pace_events(), Contains(HasSubstr("growing: 2 -> 4 messages a second")));
}

TEST_F(pacing, does_not_bound_what_is_not_paced) {
  restart_with({.adaptive = false});
  for (int i = 0; i < 20; ++i)
    admit(of(1));
  EXPECT_EQ(take_all(), 20u);
}

TEST_F(pacing, lets_urgent_mail_pass_bulk_that_waits) {
  for (int i = 0; i < 20; ++i)
    admit(of(1));
  take_all();
  const auto urgent = of(2, "transactional");
  admit(urgent);
  const auto next = take();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->message->id, urgent->id);
}

TEST_F(pacing, gives_accounts_equal_shares) {
  restart_with({.adaptive = false});
  for (int i = 0; i < 10; ++i)
    admit(of(1));
  for (int i = 0; i < 3; ++i)
    admit(of(2));
  std::vector<std::uint32_t> order;
  for (int i = 0; i < 6; ++i) {
    auto l = take();
    ASSERT_TRUE(l);
    order.push_back(l->message->account.value);
    taken_.push_back(std::move(*l));
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 1, 2, 1, 2));
}

TEST_F(pacing, gives_accounts_shares_by_weight_from_the_moment_they_are_told) {
  restart_with({.adaptive = false});
  for (std::uint32_t account : {1, 2})
    for (int i = 0; i < 12; ++i)
      admit(of(account));
  const auto next_eight = [&] {
    std::map<std::uint32_t, int> by_account;
    for (int i = 0; i < 8; ++i) {
      auto l = take();
      if (!l) break;
      ++by_account[l->message->account.value];
      taken_.push_back(std::move(*l));
    }
    return by_account;
  };
  EXPECT_EQ(next_eight(), (std::map<std::uint32_t, int>{{1, 4}, {2, 4}}));
  using weights = scheduler::account_weights;
  on_shard([&] { scheduler_->weigh_accounts(std::make_shared<const weights>(weights{{account_id{1}, 3}})); });
  const auto weighed = next_eight();
  EXPECT_NEAR(weighed.at(1), 6, 1);
}

TEST_F(pacing, keeps_below_what_a_rule_wants_for_as_long_as_it_says) {
  restart_with({.start_rate = 100});
  for (int i = 0; i < 50; ++i)
    admit(of(1));
  auto l = take();
  ASSERT_TRUE(l);
  settle_with(std::move(*l), {451, {4, 7, 0}, "please slow down"});
  const auto v = view();
  EXPECT_DOUBLE_EQ(v.streams.at(0).rate, 50);
  EXPECT_THAT(v.streams.at(0).slowed, HasSubstr("slower"));
  EXPECT_THAT(pace_events(), Contains(HasSubstr("50 messages a second at most, by slower")));
  pass(10min);
  take_all();
  EXPECT_THAT(view().streams.at(0).slowed, IsEmpty());
}

TEST_F(pacing, slows_the_campaign_when_urgent_mail_runs_into_the_limit) {
  restart_with({.start_rate = 100});
  admit(of(1));
  ASSERT_EQ(take_all(), 1u);
  settle_taken();
  admit(of(2, "transactional"));
  auto l = take();
  ASSERT_TRUE(l);
  pass(1s);
  settle_with(std::move(*l), {451, {4, 7, 0}, "you are too fast"});
  for (const auto& s : view().streams)
    EXPECT_EQ(s.rate < 100, s.name == "bulk") << s.name << " " << s.rate;
  pass(1min);  // the campaign is over
  admit(of(2, "transactional"));
  l = take();
  ASSERT_TRUE(l);
  pass(1s);
  settle_with(std::move(*l), {451, {4, 7, 0}, "you are too fast"});
  for (const auto& s : view().streams)
    EXPECT_LT(s.rate, 100) << s.name;
}

TEST_F(pacing, holds_one_account_and_no_other) {
  restart_with({.adaptive = false});
  admit(of(1));
  auto l = take();
  settle_with(std::move(*l), {550, {5, 7, 1}, "too much from your account"});
  const auto held = of(1);
  const auto other = of(2);
  admit(held);
  admit(other);
  const auto next = take();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->message->id, other->id);
  EXPECT_FALSE(take());
  const auto why = explain(held->id).at(0).obstacles.at(0);
  EXPECT_EQ(why.what, "account_held");
  EXPECT_THAT(why.detail, HasSubstr("spammer"));
  EXPECT_EQ(why.until_ms, (time_.wall() + 1h).time_since_epoch().count());
  pass(1h + 1s);
  EXPECT_GE(take_all(), 1u);
}

TEST_F(pacing, only_says_in_a_dry_run_what_it_would_hold) {
  restart_with({.dry_run = true, .start_rate = 1});
  admit(of(1));
  auto l = take();
  settle_with(std::move(*l), {451, {4, 7, 0}, "blocked for now"});
  for (int i = 0; i < 5; ++i)
    admit(of(1));
  EXPECT_EQ(take_all(), 5u);
  EXPECT_THAT(pace_events(), Contains(HasSubstr("dry run: site held: hold (hold_site for 30m)")));
}

TEST_F(pacing, takes_a_421_at_greeting_for_one_connection_too_many) {
  restart_with({.start_rate = 1000});
  for (int i = 0; i < 40; ++i)
    admit(of(1));
  pass(200ms);
  ASSERT_GE(transport_.opened.size(), 3u);
  on_shard([&] {
    for (int i = 0; i < 2; ++i)
      scheduler_->site_reached(transport_.opened.front().first);
  });
  auto crowded = take();
  ASSERT_TRUE(crowded);
  const auto id = crowded->message->id;
  spool::attempt_result r;
  r.recipients.push_back({disposition::deferred, stage::greeting, {421, {4, 3, 2}, "too many connections"}, true});
  r.site_failed = true;
  on_shard([&] {
    scheduler_->settle(std::move(*crowded), std::move(r));
    scheduler_->connection_closed(transport_.opened.front().first, false);
  });
  flush();
  EXPECT_THAT(history(id), ElementsAre("accepted")) << "no attempt is counted";
  EXPECT_EQ(view().connections_max, 2u) << "as many as were let in";
  EXPECT_EQ(view().state, "ready");
}

TEST_F(pacing, obeys_the_limits_of_a_site_and_names_the_one_in_the_way) {
  directory_.limits = {{.what = shaping::limit_kind::messages_an_hour, .max = 20, .source = "test"}};
  restart_with({.adaptive = false});
  std::shared_ptr<spool::queued_message> last;
  for (int i = 0; i < 30; ++i) {
    last = of(1);
    admit(last);
  }
  EXPECT_EQ(take_all(), 19u) << "one of twenty is left to urgent mail";
  settle_taken();
  const auto why = explain(last->id).at(0).obstacles;
  ASSERT_FALSE(why.empty());
  EXPECT_EQ(why[0].what, "limit");
  EXPECT_EQ(why[0].detail, "20 messages an hour for site site:sink.test (test)");
  const auto urgent = of(2, "transactional");
  admit(urgent);
  flush();
  const auto next = take();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->message->id, urgent->id);
  pass(1h + 1min);
  EXPECT_EQ(take_all(), 11u);
}

TEST_F(pacing, obeys_the_operators_limits_on_accounts) {
  restart_with({.adaptive = false});
  shaping::limit_order order;
  order.about.account = "account-1";
  order.settings = {{.what = shaping::limit_kind::in_flight, .max = 2, .source = "test"}};
  limits_.configure({order});
  for (int i = 0; i < 5; ++i) {
    admit(of(1));
    admit(of(2));
  }
  EXPECT_EQ(take_all(), 7u);
  settle_taken();
  EXPECT_EQ(take_all(), 2u);
}

TEST_F(pacing, has_counted_on_the_disk_what_a_limit_allowed_before_a_crash) {
  directory_.limits = {{.what = shaping::limit_kind::messages_a_day, .max = 20, .source = "test"}};
  restart_with({.adaptive = false});
  for (int i = 0; i < 10; ++i)
    admit(of(1));
  EXPECT_EQ(take_all(), 10u);
  taken_.clear();  // they were sent, and nobody wrote that down
  restart_all({.adaptive = false});
  for (int i = 0; i < 30; ++i)
    admit(of(1));
  EXPECT_EQ(take_all(), 9u) << "one of twenty is left to urgent mail";
  settle_taken();
  pass(24h + 10min);
  EXPECT_EQ(take_all(), 19u);
}

TEST_F(pacing, closes_a_window_early_when_the_receiver_says_that_it_is_used_up) {
  directory_.limits = {{.what = shaping::limit_kind::messages_a_day, .max = 500, .source = "test"}};
  restart_with({.adaptive = false});
  for (int i = 0; i < 10; ++i)
    admit(of(1));
  EXPECT_EQ(take_all(), 10u);
  settle_with(std::move(taken_.back()), {550, {5, 4, 5}, "Daily limit exceeded"});
  taken_.pop_back();
  settle_taken();
  admit(of(2));
  EXPECT_EQ(take_all(), 0u);
  EXPECT_THAT(pace_events(), Contains(HasSubstr("no more messages a day for now: used-up")));
  restart_all({.adaptive = false});
  admit(of(2));
  EXPECT_EQ(take_all(), 0u);
  pass(24h + 10min);
  EXPECT_EQ(take_all(), 1u);
}

TEST_F(pacing, holds_after_a_restart_what_it_held_before) {
  restart_with({.adaptive = false});
  admit(of(1));
  auto l = take();
  settle_with(std::move(*l), {550, {5, 7, 1}, "too much from your account"});
  restart_all({.adaptive = false});
  admit(of(1));
  EXPECT_EQ(take_all(), 0u);
  admit(of(2));
  l = take();
  ASSERT_TRUE(l);
  settle_with(std::move(*l), {451, {4, 7, 0}, "blocked for now"});
  restart_all({.adaptive = false});
  const auto third = of(3);
  admit(third);
  EXPECT_EQ(take_all(), 0u);
  EXPECT_THAT(explain(third->id).at(0).obstacles.at(0).detail, HasSubstr("hold_site"));
  EXPECT_EQ(on_shard([&] { return scheduler_->act({.id = third->id}, action::retry, ""); }), 1u);
  restart_all({.adaptive = false});
  admit(of(3));
  EXPECT_EQ(take_all(), 1u) << "an operator's word is kept, too";
}

TEST_F(pacing, stays_at_a_pin_until_it_is_released) {
  const auto ask = [&](auto call) {
    std::promise<void> done;
    on_shard([&] {
      call([&done](std::optional<site_view>, const smtp::recipient_outcome&) { done.set_value(); });
      auto find = std::move(directory_.waiting.back());
      directory_.waiting.pop_back();
      find(directory_.known("sink.test"), {});
    });
    done.get_future().get();
  };
  ask([&](auto answer) { scheduler_->pin_site("sink.test", {"bulk", 0.5, 1}, std::move(answer)); });
  for (int i = 0; i < 50; ++i)
    admit(of(1));
  for (int i = 0; i < 100; ++i) {
    take_all();
    settle_taken();
    pass(100ms);
  }
  EXPECT_DOUBLE_EQ(view().streams.at(0).rate, 0.5);
  EXPECT_EQ(view().streams.at(0).phase, "pinned");
  EXPECT_GE(count().ready, 43u);
  taken_.clear();
  restart_all({});
  admit(of(1));
  EXPECT_EQ(view().streams.at(0).phase, "pinned");
  EXPECT_DOUBLE_EQ(view().streams.at(0).rate, 0.5);
  ask([&](auto answer) { scheduler_->release_site("sink.test", "", std::move(answer)); });
  EXPECT_EQ(view().streams.at(0).phase, "recovering");
  EXPECT_THAT(pace_events(), SizeIs(::testing::Ge(2u)));
}

TEST_F(pacing, probes_a_site_again_whose_mail_is_all_on_disk) {
  hot_bytes_max_ = 0;
  restart_with({.adaptive = false});
  admit(of(1));
  wait_for_disk();
  auto l = take();
  ASSERT_TRUE(l);
  settle(std::move(*l), {disposition::deferred}, stage::connect, true);
  on_shard([&] { scheduler_->connection_closed(transport_.opened.front().first, false); });
  for (int i = 0; i < 70; ++i)
    admit(of(1));  // more than are read at once
  const auto opened = transport_.opened.size();
  pass(31s);
  pass(1s);
  EXPECT_EQ(transport_.opened.size(), opened + 1);
}

}  // namespace
}  // namespace gonets::scheduler
