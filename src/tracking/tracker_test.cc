#include "tracking/tracker.h"

#include <gmock/gmock.h>

#include "events/log_reader.h"
#include "spool/spool_test_support.h"

namespace gonets::tracking {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class moved_clock final : public clock {
 public:
  wall_time wall() const override { return system_.wall(); }
  steady_time steady() const override { return system_.steady() + ahead; }
  std::chrono::seconds ahead{0};

 private:
  runtime::system_clock system_;
};

class tracking_visits : public spool::spool_fixture {
 protected:
  void SetUp() override {
    open();
    auto m = spool::make_message(next_id(), 2);
    id_ = m->id;
    ASSERT_EQ(accept(m), spool::commit_status::ok);
    begin();
  }
  void begin(limits max = {}) {
    tracker_.emplace(tracker::environment{*store_, moved_, counts_, [this](account_id) { return keeps_; }}, max);
  }
  message::visit open_by(std::uint16_t recipient) const { return {{id_, recipient_index{recipient}}, ""}; }
  message::visit click_by(std::uint16_t recipient, std::string url = "http://a.test/") const {
    return {{id_, recipient_index{recipient}}, std::move(url)};
  }
  void take(const message::visit& v, visitor who = {}) {
    tracker_->take(v, std::move(who));
    // What is settled later is written later: the answer to this one tells that the event is there.
    settle({});
  }
  std::vector<events::event> visits() {
    auto all = events::read_history(store_->store(), id_);
    EXPECT_TRUE(all);
    std::erase_if(*all, [](const auto& e) { return !events::is_visit(e.kind); });
    return *all;
  }
  std::vector<std::string> told() {
    std::vector<std::string> all;
    for (const auto& e : visits())
      all.push_back(std::string(to_text(e.kind)) + " " + e.recipients.at(0).address + (e.repeated ? " again" : ""));
    return all;
  }

  moved_clock moved_;
  std::optional<tracker> tracker_;
  message_id id_;
  bool keeps_ = true;
};

TEST_F(tracking_visits, tells_who_opened_and_who_clicked_what) {
  take(open_by(1), {"192.0.2.1", "Mail/1"});
  take(click_by(1, "http://shop.test/?a=1"));
  EXPECT_THAT(told(), ElementsAre("opened rcpt1@sink.test", "clicked rcpt1@sink.test"));
  EXPECT_EQ(visits()[0].client_address, "192.0.2.1");
  EXPECT_EQ(visits()[0].user_agent, "Mail/1");
  EXPECT_EQ(visits()[1].url, "http://shop.test/?a=1");
}

TEST_F(tracking_visits, tells_the_first_of_a_recipient_from_what_comes_again) {
  take(open_by(0));
  take(open_by(1));
  take(open_by(0));
  take(click_by(0, "http://a.test/"));
  take(click_by(0, "http://b.test/"));
  begin();  // started again
  take(click_by(0));
  EXPECT_THAT(told(),
              ElementsAre("opened rcpt0@sink.test", "opened rcpt1@sink.test", "opened rcpt0@sink.test again",
                          "clicked rcpt0@sink.test", "clicked rcpt0@sink.test again", "clicked rcpt0@sink.test again"));
}

TEST_F(tracking_visits, does_not_keep_who_came_where_the_account_is_private) {
  keeps_ = false;
  take(open_by(0), {"192.0.2.1", "Mail/1"});
  ASSERT_EQ(visits().size(), 1u);
  EXPECT_EQ(visits()[0].client_address + visits()[0].user_agent, "");
}

TEST_F(tracking_visits, keeps_no_more_of_a_name_than_its_limit) {
  take(open_by(0), {"192.0.2.1", std::string(10'000, 'x')});
  EXPECT_EQ(visits().at(0).user_agent.size(), user_agent_bytes_max);
}

TEST_F(tracking_visits, takes_what_comes_again_within_a_minute_for_one) {
  EXPECT_TRUE(tracker_->is_news(open_by(0)));
  EXPECT_FALSE(tracker_->is_news(open_by(0)));
  EXPECT_TRUE(tracker_->is_news(open_by(1)));
  EXPECT_TRUE(tracker_->is_news(click_by(0)));
  EXPECT_TRUE(tracker_->is_news(click_by(0, "http://b.test/")));
  EXPECT_FALSE(tracker_->is_news(click_by(0)));
  moved_.ahead += 59s;
  EXPECT_FALSE(tracker_->is_news(open_by(0)));
  moved_.ahead += 61s;
  EXPECT_TRUE(tracker_->is_news(open_by(0)));
}

TEST_F(tracking_visits, remembers_so_many_and_no_more) {
  begin({.remembered_max = 10});
  for (std::uint16_t i = 0; i < 6; ++i)
    EXPECT_TRUE(tracker_->is_news(open_by(i)));
  EXPECT_FALSE(tracker_->is_news(open_by(0)));
  for (std::uint16_t i = 6; i < 11; ++i)
    EXPECT_TRUE(tracker_->is_news(open_by(i)));
  EXPECT_TRUE(tracker_->is_news(open_by(0)));
}

TEST_F(tracking_visits, writes_so_many_of_a_message_and_no_more) {
  begin({.of_message_max = 2});
  for (int i = 0; i < 4; ++i)
    take(open_by(0));
  EXPECT_EQ(visits().size(), 2u);
}

TEST_F(tracking_visits, of_a_message_that_is_not_known_writes_nothing) {
  take({{message_id{1}, recipient_index{0}}, ""});
  take(open_by(7));
  EXPECT_THAT(told(), IsEmpty());
}

}  // namespace
}  // namespace gonets::tracking
