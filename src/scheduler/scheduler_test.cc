#include "scheduler/scheduler.h"

#include <gmock/gmock.h>

#include <map>

#include "events/log_reader.h"
#include "runtime/shards_test_support.h"
#include "spool/spool_test_support.h"

namespace gonets::scheduler {
namespace {

using namespace std::chrono_literals;
using smtp::disposition;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class manual_clock final : public clock {
 public:
  wall_time wall() const override { return now; }
  steady_time steady() const override { return steady_time(now.time_since_epoch()); }
  wall_time now = runtime::system_clock().wall();
};

// Domains are their own sites; "unknown.test" is never found.
class fake_directory final : public spool::directory {
 public:
  spool::destination_ptr known(std::string_view domain) override {
    if (domain == "unknown.test") return nullptr;
    auto& kept = kept_[std::string(domain)];
    if (!kept) kept = std::make_shared<spool::destination>("site:" + std::string(domain));
    return kept;
  }
  void find(std::string_view, handler done) override { waiting.push_back(std::move(done)); }
  std::vector<handler> waiting;

 private:
  std::map<std::string, spool::destination_ptr> kept_;
};

class fake_transport final : public spool::transport {
 public:
  bool resume(spool::site_id) override { return false; }
  void open(spool::site_id site, spool::destination_ptr to) override { opened.emplace_back(site, to->site_key); }
  std::vector<std::pair<spool::site_id, std::string>> opened;
};

shaping::reply_rule rule(const char* name, const char* text, shaping::verdict what) {
  shaping::reply_rule r;
  r.name = name;
  r.texts = {shaping::text_pattern(text)};
  r.what = what;
  r.why = "for a test";
  return r;
}

std::shared_ptr<const shaping::rules> some_rules() {
  using enum shaping::verdict_kind;
  std::vector<shaping::reply_rule> all;
  all.push_back(rule("grey", "greylisted", {.kind = greylisted, .duration = 5min}));
  all.push_back(rule("hold", "blocked for now", {.kind = hold_site, .duration = 30min}));
  all.push_back(rule("not-so-final", "quota for today", {.kind = defer, .duration = 1h}));
  all.push_back(rule("dead", "account closed", {.kind = suppress}));
  shaping::provider small{.name = "small", .title = "Small", .domains = {"small.test"}};
  small.limits.recipients_a_transaction = 2;
  auto made = std::make_shared<shaping::rules>();
  made->providers = shaping::provider_table({small});
  made->replies = shaping::rule_book(std::move(all));
  return made;
}

class scheduling : public spool::spool_fixture {
 protected:
  void SetUp() override {
    open();
    options o;
    o.hostname = "mx.source.test";
    o.streams = {{"transactional", 0, shaping::default_retry_policy()}, {"bulk", 1, shaping::bulk_retry_policy()}};
    o.site_backoff_base = 30s;
    o.rules = some_rules();
    scheduler_ = std::make_unique<scheduler>(
        o, environment{*store_, *shards_, blocking_, time_, *ids_, directory_, transport_, counts_});
    scheduler_->join({scheduler_.get()});
  }
  void TearDown() override {
    close();
    scheduler_.reset();
  }

  // On the shard, as all of the scheduler must be used.
  template <class Work>
  auto on_shard(Work work) {
    return runtime::run_on(*shards_, 0, std::move(work));
  }
  std::shared_ptr<spool::queued_message> message(std::size_t recipients = 1) {
    return spool::make_message(ids_->next(time_.now), recipients);
  }
  void admit(const std::shared_ptr<spool::queued_message>& m) {
    ASSERT_EQ(accept(m), spool::commit_status::ok);
    on_shard([&] { scheduler_->admit(m); });
  }
  std::optional<spool::lease> take(std::size_t max = 100) {
    return on_shard([&]() -> std::optional<spool::lease> {
      for (const auto& [site, key] : transport_.opened) {
        if (auto l = scheduler_->take(site, max)) return l;
      }
      return std::nullopt;
    });
  }
  void settle(spool::lease l, std::vector<disposition> outcomes, stage at = stage::rcpt, bool site_failed = false) {
    spool::attempt_result r;
    for (const auto d : outcomes) {
      smtp::recipient_outcome o;
      o.what = d;
      o.at = at;
      o.from_peer = true;
      if (d == disposition::delivered) o.answer = {250, {2, 0, 0}, "ok"};
      if (d == disposition::deferred) o.answer = {450, {4, 2, 0}, "later"};
      if (d == disposition::failed) o.answer = {550, {5, 1, 1}, "no such user"};
      r.recipients.push_back(std::move(o));
    }
    r.site_failed = site_failed;
    on_shard([&] { scheduler_->settle(std::move(l), std::move(r)); });
    flush();
  }
  void settle_with(spool::lease l, reply answer) {
    spool::attempt_result r;
    for (std::size_t i = 0; i < l.recipients.size(); ++i) {
      smtp::recipient_outcome o;
      o.what = answer.permanent() ? disposition::failed : disposition::deferred;
      o.at = stage::rcpt;
      o.from_peer = true;
      o.answer = answer;
      r.recipients.push_back(std::move(o));
    }
    on_shard([&] { scheduler_->settle(std::move(l), std::move(r)); });
    flush();
  }
  std::vector<explanation> explain(message_id id) {
    return on_shard([&] { return scheduler_->explain(id); });
  }
  // Until the committer, and what it completes on the shard, is done with all that was asked.
  void flush() {
    std::promise<void> done;
    store_->append_chunk(message_id{1}, 2, {}, 0, [&](spool::commit_status) { done.set_value(); });
    done.get_future().get();
    on_shard([] {});
  }
  void pass(std::chrono::milliseconds time) {
    time_.now += time;
    on_shard([&] { scheduler_->tick(); });
    wait_for_disk();
  }
  // Until messages that were asked for have been read, and are with the scheduler.
  void wait_for_disk() {
    std::promise<void> done;
    ASSERT_TRUE(blocking_.run([&] { done.set_value(); }));
    done.get_future().get();
    on_shard([] {});
  }
  totals count() {
    return on_shard([&] { return scheduler_->count(); });
  }
  std::vector<std::string> history(message_id id) {
    std::vector<std::string> kinds;
    const auto found = events::read_history(store_->store(), id);
    for (const auto& e : *found)
      kinds.emplace_back(events::to_text(e.kind));
    return kinds;
  }
  std::vector<std::string> reports() {
    std::vector<std::string> bodies;
    for (const auto& [m, r] : load()) {
      if (m->is_report) bodies.push_back(store_->fetch(m->id, true)->body);
    }
    return bodies;
  }

  manual_clock time_;
  fake_directory directory_;
  fake_transport transport_;
  runtime::blocking_pool blocking_{1, 100};  // one thread: what was asked before is done before
  std::unique_ptr<scheduler> scheduler_;
};

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
  on_shard([&] { scheduler_->connection_closed(transport_.opened.front().first); });
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
  EXPECT_EQ(why[0].obstacles[0].until_ms, (time_.now + 30s).time_since_epoch().count());
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
  EXPECT_EQ(explain(m->id)[0].entry.due_ms, (time_.now + 5min + 1s).time_since_epoch().count());
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
  EXPECT_EQ(explain(later->id)[0].entry.due_ms, (time_.now + 1h + 1s).time_since_epoch().count());
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
  EXPECT_EQ(why.until_ms, (time_.now + 30min).time_since_epoch().count());
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
