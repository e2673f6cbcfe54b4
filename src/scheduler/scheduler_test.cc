#include "scheduler/scheduler_test_support.h"

namespace gonets::scheduler {
namespace {

using smtp::disposition;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST_F(scheduling, opens_a_connection_for_fresh_mail_and_forgets_what_was_delivered) {
  const auto m = message();
  admit(m);
  ASSERT_THAT(transport_.opened, SizeIs(1));
  auto l = take();
  ASSERT_TRUE(l);
  EXPECT_EQ(l->message->id, m->id);
  settle(std::move(*l), {disposition::delivered}, stage::end_of_data);
  EXPECT_THAT(load(), IsEmpty());
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "delivered"));
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

TEST_F(scheduling, leases_the_recipients_of_one_message_together_up_to_the_limit) {
  admit(message(5));
  auto first = take(3);
  auto second = take(3);
  ASSERT_TRUE(first && second);
  EXPECT_THAT(first->recipients, SizeIs(3));
  EXPECT_THAT(second->recipients, SizeIs(2));
  EXPECT_FALSE(take(3));
}

TEST_F(scheduling, defers_only_the_recipients_that_a_4xx_was_about) {
  auto m = message(3);
  m->envelope.recipients[2].notify.never = true;  // no report that would be taken in their place
  admit(m);
  settle(*take(), {disposition::delivered, disposition::deferred, disposition::failed});
  EXPECT_EQ(count().deferred, 1u);
  const auto result = audit_now();
  EXPECT_EQ(result.delivered, 1u);
  EXPECT_EQ(result.bounced, 1u);
  EXPECT_EQ(result.findings_in_all, 0u);
  EXPECT_FALSE(take());
  pass(2min);
  const auto again = take();
  ASSERT_TRUE(again);
  EXPECT_THAT(again->recipients, ElementsAre(recipient_index{1}));
}

TEST_F(scheduling, tries_again_at_once_and_without_an_event_what_was_not_attempted) {
  const auto m = message();
  admit(m);
  settle(*take(), {disposition::not_attempted});
  EXPECT_TRUE(take());
  EXPECT_THAT(history(m->id), ElementsAre("accepted"));
}

TEST_F(scheduling, lets_mail_behind_a_dead_site_wait_and_probes_with_one_connection) {
  admit(message());
  auto l = take();
  admit(message());
  settle(std::move(*l), {disposition::deferred}, stage::connect, true);
  on_shard([&] { scheduler_->connection_closed(transport_.opened.front().first, true); });
  const auto before = transport_.opened.size();
  pass(20s);
  EXPECT_EQ(transport_.opened.size(), before);
  EXPECT_EQ(count().ready, 1u);
  pass(11s);
  EXPECT_EQ(transport_.opened.size(), before + 1);
  pass(1s);
  EXPECT_EQ(transport_.opened.size(), before + 1) << "one probe at a time";
}

TEST_F(scheduling, says_why_mail_behind_a_dead_site_waits) {
  admit(message());
  auto l = take();
  const auto m = message();
  admit(m);
  settle(std::move(*l), {disposition::deferred}, stage::connect, true);
  const auto why = on_shard([&] { return scheduler_->explain(m->id); });
  ASSERT_THAT(why, SizeIs(1));
  ASSERT_FALSE(why[0].obstacles.empty());
  EXPECT_EQ(why[0].obstacles[0].what, "site_suspended");
  EXPECT_EQ(why[0].obstacles[0].until_ms, (time_.wall() + 30s).time_since_epoch().count());
}

TEST_F(scheduling, reports_a_failure_to_the_sender_and_queues_the_report) {
  admit(message());
  settle(*take(), {disposition::failed});
  const auto sent = reports();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_NE(sent[0].find("Diagnostic-Code: smtp; 550 5.1.1 no such user"), std::string::npos);
  EXPECT_NE(sent[0].find("To: <sender@source.test>"), std::string::npos);
  EXPECT_EQ(transport_.opened.back().second, "site:source.test");
}

TEST_F(scheduling, never_reports_to_nobody_nor_against_notify_never) {
  auto silent = message();
  silent->envelope.reverse_path.clear();
  admit(silent);
  settle(*take(), {disposition::failed});
  auto never = message();
  never->envelope.recipients[0].notify.never = true;
  admit(never);
  settle(*take(), {disposition::failed});
  EXPECT_THAT(reports(), IsEmpty());
}

TEST_F(scheduling, never_reports_about_a_report) {
  admit(message());
  settle(*take(), {disposition::failed});
  ASSERT_THAT(reports(), SizeIs(1));
  settle(*take(), {disposition::failed});
  EXPECT_THAT(reports(), IsEmpty());
  EXPECT_THAT(load(), IsEmpty());
}

TEST_F(scheduling, tells_of_a_delay_once_and_gives_up_when_the_time_is_over) {
  const auto m = message();
  admit(m);
  std::size_t attempts = 0;
  for (int hours = 0; hours < 200; ++hours) {
    pass(1h);
    auto l = take();
    if (!l) continue;
    if (l->message->is_report) {
      settle(std::move(*l), {disposition::delivered});
      continue;
    }
    ++attempts;
    settle(std::move(*l), {disposition::deferred});
  }
  EXPECT_GT(attempts, 20u);
  EXPECT_THAT(load(), IsEmpty());
  EXPECT_EQ(history(m->id).back(), "expired");
  const auto result = audit_now();
  EXPECT_EQ(result.accepted, 3u) << "the message, one notice of delay, one of failure";
  EXPECT_EQ(result.findings_in_all, 0u);
}

TEST_F(scheduling, sends_transactional_mail_before_bulk) {
  auto bulk = message();
  bulk->stream = "bulk";
  admit(bulk);
  const auto urgent = message();
  admit(urgent);
  EXPECT_EQ(take()->message->id, urgent->id);
  EXPECT_EQ(take()->message->id, bulk->id);
}

TEST_F(scheduling, holds_releases_and_removes) {
  const auto m = message();
  admit(m);
  selector all;
  EXPECT_EQ(on_shard([&] { return scheduler_->act(all, action::hold, "wait"); }), 1u);
  EXPECT_FALSE(take());
  EXPECT_EQ(count().held, 1u);
  EXPECT_EQ(on_shard([&] { return scheduler_->act(all, action::release, "go"); }), 1u);
  wait_for_disk();
  EXPECT_TRUE(take());
  const auto removed = message();
  admit(removed);
  selector that;
  that.id = removed->id;
  EXPECT_EQ(on_shard([&] { return scheduler_->act(that, action::remove, "not wanted"); }), 1u);
  wait_for_disk();
  flush();
  EXPECT_EQ(history(removed->id).back(), "cancelled");
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "held", "released"));
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

TEST_F(scheduling, keeps_a_hold_over_a_restart) {
  admit(message());
  on_shard([&] { return scheduler_->act({}, action::hold, "wait"); });
  flush();
  const auto found = load();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].second.at(0).record.phase, spool::recipient_phase::held);
  EXPECT_EQ(found[0].second.at(0).record.hold_reason, "wait");
}

TEST_F(scheduling, fails_recipients_of_a_domain_that_does_not_exist_at_the_stage_resolve) {
  auto m = message();
  m->envelope.recipients[0].address = "user@unknown.test";
  admit(m);
  ASSERT_THAT(directory_.waiting, SizeIs(1));
  smtp::recipient_outcome why;
  why.what = disposition::failed;
  why.at = stage::resolve;
  why.answer = {550, {5, 1, 2}, "no such domain"};
  on_shard([&] { directory_.waiting.front()(nullptr, why); });
  flush();
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "bounced"));
}

TEST_F(scheduling, keeps_the_mail_of_a_paused_account_without_a_write_and_sends_it_once_it_is_resumed) {
  const auto before = message();
  admit(before);
  const auto pause = [&](scheduler::account_reasons which) {
    on_shard([&] { scheduler_->pause_accounts(std::make_shared<const scheduler::account_reasons>(std::move(which))); });
    wait_for_disk();
  };
  pause({{account_id{0}, "the account default is paused"}});
  const auto during = message();
  admit(during);
  EXPECT_FALSE(take());
  EXPECT_EQ(count().held, 2u);
  const auto why = on_shard([&] { return scheduler_->explain(during->id); });
  ASSERT_THAT(why, SizeIs(1));
  ASSERT_THAT(why[0].obstacles, SizeIs(1));
  EXPECT_EQ(why[0].obstacles[0].what, "account_paused");
  EXPECT_EQ(why[0].obstacles[0].detail, "the account default is paused");
  EXPECT_THAT(history(before->id), ElementsAre("accepted"));
  pause({});
  wait_for_disk();
  std::size_t taken = 0;
  while (auto l = take()) {
    ++taken;
    settle(std::move(*l), {disposition::delivered}, stage::end_of_data);
  }
  EXPECT_EQ(taken, 2u);
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

TEST_F(scheduling, pauses_one_account_and_not_another_one_at_the_same_site) {
  const auto paused = message();
  paused->account = account_id{5};
  on_shard([&] {
    scheduler_->pause_accounts(
        std::make_shared<const scheduler::account_reasons>(scheduler::account_reasons{{account_id{5}, "paused"}}));
  });
  admit(paused);
  const auto other = message();
  admit(other);
  auto l = take();
  ASSERT_TRUE(l);
  EXPECT_EQ(l->message->id, other->id);
  settle(std::move(*l), {disposition::delivered}, stage::end_of_data);
  EXPECT_FALSE(take());
}

TEST_F(scheduling, lets_an_attempt_under_way_end_before_its_account_is_paused) {
  const auto m = message();
  admit(m);
  auto l = take();
  ASSERT_TRUE(l);
  on_shard([&] {
    scheduler_->pause_accounts(
        std::make_shared<const scheduler::account_reasons>(scheduler::account_reasons{{account_id{0}, "paused"}}));
  });
  settle(std::move(*l), {disposition::deferred});
  pass(2min);
  EXPECT_FALSE(take());
  EXPECT_EQ(count().held, 1u);
}

// ---- what replies mean ----------------------------------------------------------------------------------------------

TEST_F(scheduling, tries_a_greylisted_recipient_again_when_it_will_pass_and_not_by_the_schedule) {
  const auto m = message();
  admit(m);
  settle_with(*take(), {450, {4, 2, 0}, "Greylisted, come again"});
  EXPECT_EQ(explain(m->id)[0].entry.due_ms, (time_.wall() + 5min + 1s).time_since_epoch().count());
  const auto said = events::read_history(store_->store(), m->id)->back();
  EXPECT_EQ(said.reason, "grey (greylisted for 5m): for a test");
  pass(5min + 1s);
  settle(*take(), {disposition::delivered});
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "deferred", "delivered"));
}

TEST_F(scheduling, defers_what_a_rule_says_is_not_final_and_ends_what_it_says_is) {
  const auto later = message(), never = message();
  admit(later);
  settle_with(*take(), {550, {}, "Quota for today is used up"});
  admit(never);
  settle_with(*take(), {450, {}, "This account closed"});
  EXPECT_THAT(history(later->id), ElementsAre("accepted", "deferred"));
  EXPECT_EQ(explain(later->id)[0].entry.due_ms, (time_.wall() + 1h + 1s).time_since_epoch().count());
  EXPECT_THAT(history(never->id), ElementsAre("accepted", "bounced"));
}

TEST_F(scheduling, holds_a_site_that_asked_for_it_for_all_that_comes) {
  const auto first = message(), second = message();
  admit(first);
  settle_with(*take(), {421, {4, 7, 0}, "Blocked for now"});
  admit(second);
  EXPECT_FALSE(take());
  const auto why = explain(second->id)[0].obstacles[0];
  EXPECT_EQ(why.what, "site_held");
  EXPECT_EQ(why.detail, "hold (hold_site for 30m): for a test");
  EXPECT_EQ(why.until_ms, (time_.wall() + 30min).time_since_epoch().count());
  pass(29min);
  EXPECT_FALSE(take());
  pass(1min);
  settle(*take(), {disposition::delivered});
  settle(*take(), {disposition::delivered});
  EXPECT_EQ(count().ready + count().deferred, 0u);
}

TEST_F(scheduling, lifts_a_hold_when_an_operator_wants_a_retry) {
  const auto first = message(), second = message();
  admit(first);
  settle_with(*take(), {421, {4, 7, 0}, "Blocked for now"});
  EXPECT_EQ(on_shard([&] { return scheduler_->act({.id = first->id}, action::retry, ""); }), 1u);
  wait_for_disk();
  settle_with(*take(), {421, {4, 7, 0}, "Blocked for now"});
  admit(second);
  EXPECT_FALSE(take());
  EXPECT_EQ(on_shard([&] { return scheduler_->act({.id = second->id}, action::retry, ""); }), 1u);
  settle(*take(), {disposition::delivered});
}

TEST_F(scheduling, keeps_a_hold_though_nothing_waits_for_the_site) {
  const auto first = message();
  admit(first);
  settle_with(*take(), {554, {5, 7, 1}, "Blocked for now"});
  on_shard([&] { scheduler_->act({.id = first->id}, action::remove, "test"); });
  wait_for_disk();
  flush();
  transport_.opened.clear();
  pass(1min);
  admit(message());
  EXPECT_THAT(transport_.opened, IsEmpty());
  pass(29min);
  EXPECT_THAT(transport_.opened, Not(IsEmpty()));
}

}  // namespace
}  // namespace gonets::scheduler
