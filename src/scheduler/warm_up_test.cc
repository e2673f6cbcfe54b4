// What the caps of warm-ups do to mail.
#include "scheduler/scheduler_test_support.h"

namespace gonets::scheduler {
namespace {

using smtp::disposition;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The count of a day takes up to a 360th longer (rate_limit.h).
constexpr auto a_day = 24h + 5min;

class warming_up : public scheduling {
 protected:
  void SetUp() override {
    directory_.egress = "new";
    scheduling::SetUp();
  }
  void warm_up(shaping::warm_up_plan plan) {
    limits_.configure(warm_ups_.configure({{"new", "*", plan}}));
    warm_ups_.apply();
  }
  // As many as may go now; says how many those were.
  unsigned deliver_all() {
    unsigned n = 0;
    while (auto l = take()) {
      settle(std::move(*l), {disposition::delivered}, stage::end_of_data);
      ++n;
    }
    return n;
  }
  std::vector<std::string> changes() {
    std::vector<std::string> found;
    const auto read = events::read_after(store_->store(), event_seq{0}, 1000);
    for (const auto& e : *read) {
      if (e.kind == events::kind::pace && e.route == "other sites via new") found.push_back(e.reason);
    }
    return found;
  }
};

TEST_F(warming_up, sends_what_the_cap_keeps_back_by_the_other_way) {
  warm_up({.first_day = 3, .last_day = 100, .days = 10});
  directory_.other_from_then = " via old";
  for (int n = 0; n < 5; ++n)
    admit(message());
  EXPECT_EQ(deliver_all(), 3u);
  pass(50ms);
  ASSERT_THAT(directory_.asked_past, SizeIs(1));
  EXPECT_EQ(directory_.asked_past[0], 15min);
  EXPECT_THAT(transport_.opened.back().second, HasSubstr(" via old"));
  EXPECT_EQ(count().ready, 2u);
  EXPECT_EQ(deliver_all(), 2u);
}

TEST_F(warming_up, hears_of_complaints_about_what_it_sent) {
  warm_up({.first_day = 3, .last_day = 100, .days = 10});
  admit(message());
  EXPECT_EQ(deliver_all(), 1u);
  on_shard([&] { scheduler_->note_complaint("new", ""); });
  on_shard([&] { scheduler_->note_complaint("old", ""); });
  const auto lines = warm_ups_.lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0].at.complained, 1u);
}

TEST_F(warming_up, makes_mail_wait_where_the_plan_wants_it_and_why_says_until_when) {
  warm_up({.first_day = 3, .last_day = 100, .days = 10, .full = shaping::when_full::wait});
  directory_.other_from_then = " via old";
  for (int n = 0; n < 4; ++n)
    admit(message());
  EXPECT_EQ(deliver_all(), 3u);
  const auto last = message();
  admit(last);
  pass(50ms);
  EXPECT_EQ(deliver_all(), 0u);
  EXPECT_THAT(directory_.asked_past, IsEmpty());
  const auto told = explain(last->id);
  ASSERT_THAT(told, SizeIs(1));
  ASSERT_FALSE(told[0].obstacles.empty());
  EXPECT_EQ(told[0].obstacles[0].what, "warm_up");
  EXPECT_THAT(told[0].obstacles[0].detail, HasSubstr("3 messages a day for warm-up new and other sites (day 1 of 10)"));
  EXPECT_GE(told[0].obstacles[0].until_ms, (time_.wall() - 50ms + 24h).time_since_epoch().count());
  pass(a_day);
  EXPECT_EQ(deliver_all(), 2u);
}

TEST_F(warming_up, goes_on_a_day_later_and_keeps_that_and_tells_of_it) {
  warm_up({.first_day = 3, .last_day = 12, .days = 3, .full = shaping::when_full::wait});
  for (int n = 0; n < 20; ++n)
    admit(message());
  EXPECT_EQ(deliver_all(), 3u);
  pass(a_day);
  EXPECT_EQ(deliver_all(), 6u);
  flush();
  EXPECT_THAT(changes(), ::testing::ElementsAre("warm-up: day 2 of 3, 6 messages: 3 accepted, 0 deferred"));
  EXPECT_TRUE(store_->pace().find("warm-up new other sites"));
  pass(a_day);
  EXPECT_EQ(deliver_all(), 11u) << "the last day's cap is 12";
}

TEST_F(warming_up, steps_back_when_mail_is_deferred) {
  warm_up({.first_day = 40, .last_day = 4000, .days = 3, .full = shaping::when_full::wait});
  ASSERT_TRUE(warm_ups_.set_day("new", "", 2));
  for (int n = 0; n < 30; ++n)
    admit(message());
  for (int n = 0; n < 30; ++n) {
    auto l = take();
    ASSERT_TRUE(l) << n;
    settle(std::move(*l), {n < 5 ? disposition::deferred : disposition::delivered});
  }
  pass(2s);
  flush();
  EXPECT_THAT(changes(), ::testing::Contains("warm-up: day 1 of 3, 40 messages: 25 accepted, 5 deferred"));
}

}  // namespace
}  // namespace gonets::scheduler
