// A scheduler on a real spool, with a clock, a directory and a transport of the test's own.
#pragma once
#include <gmock/gmock.h>

#include <atomic>
#include <map>

#include "events/log_reader.h"
#include "runtime/shards_test_support.h"
#include "scheduler/scheduler.h"
#include "spool/spool_test_support.h"

namespace gonets::scheduler {

using namespace std::chrono_literals;

// Read on the shard while the test sets it.
class manual_clock final : public clock {
 public:
  wall_time wall() const override { return now_; }
  steady_time steady() const override { return steady_time((wall() - ahead_.load()).time_since_epoch()); }
  void pass(std::chrono::milliseconds time) { now_ = wall() + time; }
  // The wall clock alone, to what it was and so much.
  void set_by(std::chrono::milliseconds step) {
    ahead_ = ahead_.load() + step;
    now_ = wall() + step;
  }

 private:
  std::atomic<wall_time> now_{runtime::system_clock().wall()};
  std::atomic<std::chrono::milliseconds> ahead_{0ms};
};

// Domains are their own sites; "unknown.test" is never found.
class fake_directory final : public spool::directory {
 public:
  spool::destination_ptr known(std::string_view domain) override {
    if (domain == "unknown.test") return nullptr;
    const auto place = std::string(domain) + by_other_egress;
    auto& kept = kept_[place];
    if (!kept) kept = std::make_shared<some_place>("site:" + place, *this);
    return kept;
  }
  std::optional<std::string> past_egress(std::string_view name, const spool::destination&,
                                         std::chrono::milliseconds lasts) override {
    asked_past.push_back(lasts);
    if (!other_from_then.empty()) by_other_egress = other_from_then;
    return has_other_egress ? std::optional(std::string(name) + ".other") : std::nullopt;
  }
  std::string by_other_egress;  // behind the key of each site, from then on
  std::string other_from_then;  // what that becomes when it is asked for a way past an egress
  std::vector<std::chrono::milliseconds> asked_past;
  bool has_other_egress = false;
  void find(std::string_view, handler done) override { waiting.push_back(std::move(done)); }
  std::vector<handler> waiting;
  spool::destination::pacing how = spool::destination::pacing::none;
  std::vector<shaping::limit_setting> limits;  // of every site
  std::string egress;                          // of every site but those under by_other_egress

 private:
  class some_place final : public spool::destination {
   public:
    some_place(std::string key, const fake_directory& d)
        : destination(std::move(key)),
          how_(d.how),
          limits_(d.limits),
          egress_(d.by_other_egress.empty() ? d.egress : d.by_other_egress) {}
    pacing paced() const override { return how_; }
    std::vector<shaping::limit_setting> limits() const override { return limits_; }
    std::string_view egress() const override { return egress_; }

   private:
    pacing how_;
    std::vector<shaping::limit_setting> limits_;
    std::string egress_;
  };
  std::map<std::string, spool::destination_ptr> kept_;
};

class fake_transport final : public spool::transport {
 public:
  bool resume(spool::site_id) override { return false; }
  void open(spool::site_id site, spool::destination_ptr to) override { opened.emplace_back(site, to->site_key); }
  std::vector<std::pair<spool::site_id, std::string>> opened;
};

inline shaping::reply_rule rule(const char* name, const char* text, shaping::verdict what) {
  shaping::reply_rule r;
  r.name = name;
  r.texts = {shaping::text_pattern(text)};
  r.what = what;
  r.why = "for a test";
  return r;
}

inline std::shared_ptr<const shaping::rules> some_rules() {
  using enum shaping::verdict_kind;
  std::vector<shaping::reply_rule> all;
  all.push_back(rule("grey", "greylisted", {.kind = greylisted, .duration = 5min}));
  all.push_back(rule("hold", "blocked for now", {.kind = hold_site, .duration = 30min}));
  all.push_back(rule("not-so-final", "quota for today", {.kind = defer, .duration = 1h}));
  all.push_back(
      rule("slower", "slow down",
           {.kind = slow_down, .about = shaping::concern::egress, .duration = 10min, .to = shaping::rate{50, 1s}}));
  all.push_back(
      rule("spammer", "your account", {.kind = hold_account, .about = shaping::concern::account, .duration = 1h}));
  all.push_back(rule("too-fast", "too fast", {.kind = slow_down, .about = shaping::concern::egress, .factor = 0.5}));
  all.push_back(rule("used-up", "daily limit exceeded",
                     {.kind = close_window, .about = shaping::concern::egress, .duration = 24h}));
  all.push_back(
      rule("blocked-address", "your address is listed", {.kind = other_egress, .about = shaping::concern::egress}));
  all.push_back(rule("busy-host", "this host is busy", {.kind = next_mx, .about = shaping::concern::site}));
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
    begin({});
  }
  void begin(pace_options pace) {
    options o;
    o.pace = pace;
    o.hot_bytes_max = hot_bytes_max_;
    o.hostname = "mx.source.test";
    o.streams = {{"transactional", 0, shaping::default_retry_policy()}, {"bulk", 1, shaping::bulk_retry_policy()}};
    o.site_backoff_base = 30s;
    o.rules = some_rules();
    o.bounces = bounces_;
    scheduler_ = std::make_unique<scheduler>(o, environment{*store_, *shards_, blocking_, time_, *ids_, directory_,
                                                            transport_, counts_, limits_, warm_ups_});
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
    return spool::make_message(ids_->next(time_.wall()), recipients);
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
  void settle(spool::lease l, std::vector<smtp::disposition> outcomes, stage at = stage::rcpt,
              bool site_failed = false) {
    spool::attempt_result r;
    for (const auto d : outcomes) {
      smtp::recipient_outcome o;
      o.what = d;
      o.at = at;
      o.from_peer = true;
      if (d == smtp::disposition::delivered) o.answer = {250, {2, 0, 0}, "ok"};
      if (d == smtp::disposition::deferred) o.answer = {450, {4, 2, 0}, "later"};
      if (d == smtp::disposition::failed) o.answer = {550, {5, 1, 1}, "no such user"};
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
      o.what = answer.permanent() ? smtp::disposition::failed : smtp::disposition::deferred;
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
    time_.pass(time);
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

  std::uint64_t hot_bytes_max_ = 134'217'728;
  const bounce::classifier* bounces_ = nullptr;
  manual_clock time_;
  fake_directory directory_;
  shaping::limit_book limits_{[](account_id who) { return "account-" + std::to_string(who.value); }};
  shaping::warm_up_book warm_ups_{limits_};
  fake_transport transport_;
  runtime::blocking_pool blocking_{1, 100};  // one thread: what was asked before is done before
  std::unique_ptr<scheduler> scheduler_;
};

}  // namespace gonets::scheduler
