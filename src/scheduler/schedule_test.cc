#include "scheduler/scheduler_test_support.h"

namespace gonets::scheduler {
namespace {
using smtp::disposition;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class schedules : public scheduling {
 protected:
  std::shared_ptr<spool::queued_message> released_in(std::chrono::milliseconds time) {
    auto m = message();
    m->envelope.release_at = time_.wall() + time;
    return m;
  }
  std::shared_ptr<spool::queued_message> by(std::chrono::milliseconds time, bool by_return) {
    auto m = message();
    m->envelope.deliver_by = time_.wall() + time;
    m->envelope.by_return = by_return;
    return m;
  }
  std::size_t act(message_id id, action what) {
    selector one;
    one.id = id;
    const auto n = on_shard([&] { return scheduler_->act(one, what, "for a test"); });
    flush();
    wait_for_disk();
    return n;
  }
  void deliver(spool::lease l, bool by_passed_on) {
    spool::attempt_result r;
    r.by_passed_on = by_passed_on;
    r.recipients.push_back({disposition::delivered, stage::end_of_data, {250, {2, 0, 0}, "ok"}, true});
    on_shard([&] { scheduler_->settle(std::move(l), std::move(r)); });
    flush();
  }
  // As after a restart: what the spool has goes to a scheduler that knows nothing.
  void start_again() {
    scheduler_.reset();
    begin({});
    for (const auto& [m, recipients] : load()) {
      for (const auto& r : recipients)
        scheduler_->load_recipient(*m, r);
    }
    on_shard([] {});
    pass(0ms);
  }
};

TEST_F(schedules, sends_nothing_before_its_time_and_everything_then) {
  const auto later = released_in(1h), now = message();
  admit(later);
  admit(now);
  settle(*take(), {disposition::delivered}, stage::end_of_data);
  EXPECT_FALSE(take());
  const auto shown = explain(later->id).at(0).entry;
  EXPECT_EQ(shown.state, entry_state::deferred);
  EXPECT_EQ(shown.due_ms, later->envelope.release_at.time_since_epoch().count());
  pass(1h - 1s);
  EXPECT_FALSE(take());
  pass(1s);
  auto l = take();
  ASSERT_TRUE(l);
  EXPECT_EQ(l->message->id, later->id);
  settle(std::move(*l), {disposition::delivered}, stage::end_of_data);
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

TEST_F(schedules, are_kept_over_a_restart) {
  const auto m = released_in(1h);
  admit(m);
  start_again();
  EXPECT_FALSE(take());
  pass(1h);
  EXPECT_TRUE(take());
}

TEST_F(schedules, end_early_when_an_operator_retries_also_over_a_restart) {
  const auto m = released_in(1h);
  admit(m);
  EXPECT_EQ(act(m->id, action::retry), 1u);
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "released"));
  start_again();
  EXPECT_TRUE(take());
}

TEST_F(schedules, go_on_after_an_operator_s_hold_also_over_a_restart) {
  const auto m = released_in(1h);
  admit(m);
  EXPECT_EQ(act(m->id, action::hold), 1u);
  start_again();
  EXPECT_EQ(act(m->id, action::release), 1u);
  EXPECT_FALSE(take());
  start_again();
  EXPECT_FALSE(take());
  pass(1h);
  EXPECT_TRUE(take());
}

TEST_F(schedules, count_tries_and_expiry_from_the_release) {
  const auto m = released_in(10 * 24h);
  admit(m);
  pass(10 * 24h);
  settle(*take(), {disposition::deferred});
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "deferred"));
  EXPECT_THAT(reports(), IsEmpty());
  pass(5 * 24h);
  settle(*take(), {disposition::deferred});
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "deferred", "expired"));
  EXPECT_THAT(reports(), SizeIs(1));
}

TEST_F(schedules, return_what_is_not_delivered_in_time_after_a_last_try) {
  const auto m = by(5min, true);
  admit(m);
  settle(*take(), {disposition::deferred});
  pass(1min + 10s);
  settle(*take(), {disposition::deferred});
  EXPECT_EQ(explain(m->id).at(0).entry.due_ms, m->envelope.deliver_by.time_since_epoch().count());
  pass(4min);
  settle(*take(), {disposition::deferred});
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "deferred", "deferred", "expired"));
  ASSERT_THAT(reports(), SizeIs(1));
  EXPECT_THAT(reports()[0], HasSubstr("Action: failed"));
}

TEST_F(schedules, return_what_was_not_even_tried_in_time) {
  const auto m = by(10min, true);
  admit(m);  // a connection is opened, and takes nothing
  on_shard([&] {
    scheduler_->pause_accounts(
        std::make_shared<const scheduler::account_reasons>(scheduler::account_reasons{{account_id{0}, "paused"}}));
  });
  pass(10min);
  flush();
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "expired"));
  ASSERT_THAT(reports(), SizeIs(1));
  EXPECT_THAT(reports()[0], HasSubstr("Status: 4.4.7"));
  const auto next = by(10min, true);
  admit(next);
  pass(9min);
  EXPECT_THAT(history(next->id), ElementsAre("accepted"));
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

TEST_F(schedules, tell_of_a_delay_at_the_time_whenever_the_next_try_is) {
  const auto m = by(10min, false);
  admit(m);
  settle(*take(), {disposition::deferred});
  pass(1min + 10s);
  settle(*take(), {disposition::deferred});
  pass(6min);
  settle(*take(), {disposition::deferred});
  const auto due_ms = explain(m->id).at(0).entry.due_ms;
  EXPECT_GT(due_ms, m->envelope.deliver_by.time_since_epoch().count());
  EXPECT_THAT(reports(), IsEmpty());
  pass(3min);
  wait_for_disk();
  flush();
  ASSERT_THAT(reports(), SizeIs(1));
  EXPECT_THAT(reports()[0], HasSubstr("Action: delayed"));
  EXPECT_THAT(reports()[0], HasSubstr("Status: 4.4.7"));
  const auto after = explain(m->id).at(0).entry;
  EXPECT_EQ(after.state, entry_state::deferred);
  EXPECT_EQ(after.due_ms, due_ms);
  EXPECT_EQ(after.attempts, 3);
  start_again();
  pass(20min);
  EXPECT_THAT(reports(), SizeIs(1));
  while (auto l = take())
    settle(std::move(*l), {disposition::delivered}, stage::end_of_data);
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "deferred", "deferred", "deferred", "delivered"));
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

TEST_F(schedules, tell_of_a_delay_that_a_pause_causes_and_send_it_later) {
  const auto m = by(10min, false);
  const auto pause = [&](scheduler::account_reasons which) {
    on_shard([&] { scheduler_->pause_accounts(std::make_shared<const scheduler::account_reasons>(std::move(which))); });
  };
  pause({{account_id{0}, "paused"}});
  admit(m);
  pass(10min);
  wait_for_disk();
  flush();
  ASSERT_THAT(reports(), SizeIs(1));
  EXPECT_THAT(reports()[0], HasSubstr("Action: delayed"));
  EXPECT_THAT(history(m->id), ElementsAre("accepted"));
  pass(1h);
  EXPECT_THAT(reports(), SizeIs(1));
  pause({});
  pass(0ms);
  EXPECT_TRUE(take());
}

TEST_F(schedules, with_a_notice_and_a_release_expire_as_counted_from_the_release) {
  const auto m = released_in(10 * 24h);
  m->envelope.deliver_by = m->envelope.release_at + 10min;
  admit(m);
  pass(10 * 24h);
  settle(*take(), {disposition::deferred});
  pass(10min);
  wait_for_disk();
  pass(4 * 24h);
  settle(*take(), {disposition::deferred});
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "deferred", "deferred"));
  pass(24h);
  settle(*take(), {disposition::deferred});
  EXPECT_THAT(history(m->id), ElementsAre("accepted", "deferred", "deferred", "expired"));
}

TEST_F(schedules, tell_of_what_goes_to_a_server_that_knows_no_such_time) {
  struct passing {
    bool by_return, trace, passed_on;
    std::size_t told;
  };
  std::size_t all = 0;
  for (const auto& p : {passing{false, false, false, 1}, passing{false, false, true, 0}, passing{false, true, true, 1},
                        passing{true, false, false, 0}, passing{true, true, true, 1}}) {
    const auto m = by(10min, p.by_return);
    m->envelope.by_trace = p.trace;
    admit(m);
    deliver(*take(), p.passed_on);
    all += p.told;
    ASSERT_THAT(reports(), SizeIs(all));
    if (p.told != 0) EXPECT_THAT(reports().back(), HasSubstr("Action: relayed"));
  }
  const auto never = by(10min, false);
  never->envelope.recipients[0].notify.never = true;
  admit(never);
  deliver(*take(), false);
  EXPECT_THAT(reports(), SizeIs(all));
}

// ---- the wall clock is set

TEST_F(schedules, a_clock_that_is_set_back_delays_no_attempt) {
  const auto m = message();
  admit(m);
  settle(*take(), {disposition::deferred});
  pass(30s);
  time_.set_by(-24h);
  pass(0ms);
  EXPECT_FALSE(take());
  pass(1min);
  EXPECT_TRUE(take());
}

TEST_F(schedules, a_clock_that_is_set_back_delays_what_its_sender_set_a_time_for) {
  const auto m = released_in(1h);
  admit(m);
  pass(0ms);
  time_.set_by(-24h);
  pass(2h);
  EXPECT_FALSE(take());
  pass(23h);
  EXPECT_TRUE(take());
}

TEST_F(schedules, a_clock_that_went_back_over_a_restart_delays_no_attempt) {
  const auto m = message();
  admit(m);
  settle(*take(), {disposition::deferred});
  time_.set_by(-24h);
  start_again();
  EXPECT_FALSE(take());
  pass(2min);
  EXPECT_TRUE(take());
}

// ---- a host that is passed over

smtp::recipient_outcome said(reply answer) {
  smtp::recipient_outcome o;
  o.what = answer.permanent() ? disposition::failed : disposition::deferred;
  o.at = stage::rcpt;
  o.answer = std::move(answer);
  o.from_peer = true;
  return o;
}

TEST_F(schedules, knows_what_is_about_one_host_alone) {
  admit(message(2));
  auto l = take();
  ASSERT_TRUE(l);
  const auto passed_over = [&](const smtp::recipient_outcome& o) {
    return on_shard([&] { return scheduler_->passes_host_over(*l, 1, o); });
  };
  EXPECT_TRUE(passed_over(said({452, {4, 3, 1}, "this host is busy"})));
  EXPECT_FALSE(passed_over(said({450, {4, 2, 0}, "later"})));
  auto ours = said({452, {4, 3, 1}, "this host is busy"});
  ours.from_peer = false;
  EXPECT_FALSE(passed_over(ours));
  settle(std::move(*l), {disposition::delivered, disposition::delivered}, stage::end_of_data);
}

TEST_F(schedules, an_attempt_whose_parts_end_apart_is_settled_in_parts) {
  const auto m = message(2);
  admit(m);
  auto rest = take();
  ASSERT_TRUE(rest);
  ASSERT_THAT(rest->entries, SizeIs(2));
  spool::lease first{rest->message, {rest->recipients[0]}, rest->site, {rest->entries[0]}, rest->began};
  rest->recipients.erase(rest->recipients.begin());
  rest->entries.erase(rest->entries.begin());
  spool::attempt_result done;
  done.recipients = {said({550, {5, 1, 1}, "no such user"})};
  done.goes_on = true;
  on_shard([&] { scheduler_->settle(std::move(first), std::move(done)); });
  flush();
  EXPECT_THAT(explain(m->id), SizeIs(1));
  EXPECT_EQ(on_shard([&] { return scheduler_->leased(); }), 1u);
  settle(std::move(*rest), {disposition::delivered}, stage::end_of_data);
  EXPECT_THAT(explain(m->id), IsEmpty());
  EXPECT_EQ(on_shard([&] { return scheduler_->leased(); }), 0u);
}

}  // namespace
}  // namespace gonets::scheduler
