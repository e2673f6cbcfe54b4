#include "feedback/unsubscriber.h"

#include <gmock/gmock.h>

#include <future>

#include "events/log_reader.h"
#include "spool/spool_test_support.h"

namespace gonets::feedback {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;

// One message of the account `default` in the stream bulk, to rcpt0@sink.test.
class unsubscribing : public spool::spool_fixture {
 protected:
  void SetUp() override {
    open();
    begin();
    send();
  }
  void send(std::string list_id = {}) {
    auto m = spool::make_message(next_id());
    m->stream = "bulk";
    m->list_id = std::move(list_id);
    who_ = {m->id, recipient_index{0}};
    ASSERT_EQ(accept_as_bulk(m), spool::commit_status::ok);
  }
  void begin() {
    unsubscriber_ = std::make_unique<unsubscriber>(unsubscriber::environment{*store_, signer_, clock_, counts_});
  }
  void reopen() {
    close();
    open();
    begin();
  }
  spool::commit_status accept_as_bulk(std::shared_ptr<spool::queued_message> m) {
    std::promise<spool::commit_status> answer;
    spool::acceptance a;
    a.event = spool::make_event(events::kind::accepted, *m, {0});
    a.event.stream = m->stream;
    a.event.list_id = m->list_id;
    a.event.sender = m->envelope.reverse_path;
    a.message = std::move(m);
    a.done = [&answer](spool::commit_status s) { answer.set_value(s); };
    store_->accept(std::move(a));
    return answer.get_future().get();
  }

  using result = std::expected<subscribed, no_subscription>;
  result take(wish what, said_by way = said_by::one_click) {
    std::promise<subscription> safe;
    const auto taken =
        unsubscriber_->take(who_, what, way, "", 0, [&safe](subscription s) { safe.set_value(std::move(s)); });
    if (!taken) return std::unexpected(taken.error());
    return safe.get_future().get().now;
  }
  result look_up() {
    const auto found = unsubscriber_->look_up(who_);
    if (!found) return std::unexpected(found.error());
    EXPECT_EQ(found->recipient, "rcpt0@sink.test");
    EXPECT_EQ(found->sender, "sender@source.test");
    return found->now;
  }
  std::vector<std::string> kinds() {
    std::vector<std::string> all;
    const auto history = events::read_history(store_->store(), who_.message);
    EXPECT_TRUE(history);
    for (const auto& e : *history)
      if (e.kind != events::kind::accepted) all.push_back(std::string(to_text(e.kind)) + " " + e.reason);
    return all;
  }
  std::string suppressed_for(std::string_view stream, std::string_view list_id = {}) {
    const auto found = store_->find_suppression({}, "Rcpt0@sink.test", {stream, list_id}, clock_.wall());
    return found ? found->reason : "";
  }
  void suppress(std::string reason, wall_time expires = {}) {
    spool::change c;
    c.suppressions.push_back({{{}, "rcpt0@sink.test", "bulk", std::move(reason), {}, clock_.wall(), expires}});
    settle(std::move(c));
  }

  message::verp_signer signer_{{}, message::verp_purpose::unsubscribe};
  std::unique_ptr<unsubscriber> unsubscriber_;
  message::verp who_;
};

TEST_F(unsubscribing, puts_the_address_on_the_list_of_its_stream_once) {
  EXPECT_EQ(look_up(), subscribed::yes);
  EXPECT_EQ(take(wish::unsubscribe), subscribed::no);
  EXPECT_EQ(take(wish::unsubscribe, said_by::page), subscribed::no);
  EXPECT_EQ(look_up(), subscribed::no);
  EXPECT_EQ(suppressed_for("bulk"), "unsubscribed");
  EXPECT_EQ(suppressed_for("transactional"), "");
  EXPECT_THAT(kinds(), ElementsAre("unsubscribed one_click"));
  reopen();
  EXPECT_EQ(look_up(), subscribed::no);
  EXPECT_EQ(take(wish::unsubscribe), subscribed::no);
  EXPECT_THAT(kinds(), ElementsAre("unsubscribed one_click"));
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

TEST_F(unsubscribing, from_a_mailing_list_leaves_other_mail_of_the_stream) {
  send("weekly.shop.test");
  EXPECT_EQ(take(wish::unsubscribe), subscribed::no);
  EXPECT_EQ(suppressed_for("bulk", "weekly.shop.test"), "unsubscribed");
  EXPECT_EQ(suppressed_for("transactional", "weekly.shop.test"), "unsubscribed");
  EXPECT_EQ(suppressed_for("bulk", "monthly.shop.test"), "");
  EXPECT_EQ(suppressed_for("bulk"), "");
  const auto history = events::read_history(store_->store(), who_.message);
  ASSERT_TRUE(history && history->size() == 2u);
  EXPECT_EQ(history->back().list_id, "weekly.shop.test");
  EXPECT_EQ(take(wish::resubscribe), subscribed::yes);
  EXPECT_EQ(suppressed_for("bulk", "weekly.shop.test"), "");
}

TEST_F(unsubscribing, is_taken_back_by_who_did_it) {
  EXPECT_EQ(take(wish::resubscribe), subscribed::yes);
  EXPECT_THAT(kinds(), IsEmpty());
  take(wish::unsubscribe, said_by::mail);
  EXPECT_EQ(take(wish::resubscribe, said_by::page), subscribed::yes);
  EXPECT_EQ(suppressed_for("bulk"), "");
  EXPECT_EQ(look_up(), subscribed::yes);
  EXPECT_EQ(take(wish::unsubscribe), subscribed::no);
  EXPECT_THAT(kinds(), ElementsAre("unsubscribed mail", "resubscribed page", "unsubscribed one_click"));
}

TEST_F(unsubscribing, leaves_a_complaint_as_it_is) {
  suppress("complained");
  EXPECT_EQ(look_up(), subscribed::no_other);
  EXPECT_EQ(take(wish::unsubscribe), subscribed::no_other);
  EXPECT_EQ(take(wish::resubscribe), subscribed::no_other);
  EXPECT_EQ(suppressed_for("bulk"), "complained");
  EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(unsubscribing, outlasts_an_entry_that_expires) {
  suppress("manual", clock_.wall() + std::chrono::hours(1));
  EXPECT_EQ(take(wish::unsubscribe), subscribed::no);
  EXPECT_EQ(suppressed_for("bulk"), "unsubscribed");
  EXPECT_THAT(kinds(), ElementsAre("unsubscribed one_click"));
}

// Before the first is on the disk the others are there: each sees what it will be.
TEST_F(unsubscribing, at_the_same_time_counts_once) {
  constexpr std::size_t clicks = 100;
  std::vector<std::promise<subscription>> safe(clicks);
  for (auto& one : safe) {
    ASSERT_TRUE(unsubscriber_->take(who_, wish::unsubscribe, said_by::one_click, "", 0,
                                    [&one](subscription s) { one.set_value(std::move(s)); }));
  }
  for (auto& one : safe)
    EXPECT_EQ(one.get_future().get().now, subscribed::no);
  EXPECT_THAT(kinds(), ElementsAre("unsubscribed one_click"));
  const auto page = counts_.render();
  EXPECT_THAT(page, testing::HasSubstr("gonets_unsubscribes_total{how=\"one_click\"} 1\n"));
}

TEST_F(unsubscribing, knows_nothing_of_what_is_no_longer_kept_or_was_nobody_s) {
  who_.recipient = recipient_index{1};
  EXPECT_EQ(look_up(), std::unexpected(no_subscription::unknown));
  EXPECT_EQ(take(wish::unsubscribe), std::unexpected(no_subscription::unknown));
  who_ = {next_id(), recipient_index{0}};
  EXPECT_EQ(look_up(), std::unexpected(no_subscription::unknown));
  EXPECT_EQ(take(wish::unsubscribe), std::unexpected(no_subscription::unknown));
}

TEST_F(unsubscribing, goes_by_tokens_of_its_own) {
  EXPECT_EQ(unsubscriber_->open_token(signer_.token(who_)), who_);
  EXPECT_EQ(unsubscriber_->open_address(signer_.local_part(who_)), who_);
  const message::verp_signer return_paths({});
  EXPECT_FALSE(unsubscriber_->open_token(return_paths.token(who_)));
  EXPECT_FALSE(unsubscriber_->open_address(return_paths.local_part(who_)));
}

}  // namespace
}  // namespace gonets::feedback
