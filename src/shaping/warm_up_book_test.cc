#include "shaping/warm_up_book.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;

constexpr wall_time start{1'800'000'000'000ms};

class warm_up_book_test : public ::testing::Test {
 protected:
  void configure(std::vector<warm_up_order> orders) {
    limits_.configure(book_.configure(std::move(orders)));
    book_.apply();
  }
  // Sends until a limit is in the way; says how many went, and which limit it is.
  std::pair<unsigned, std::string> send_all(std::string_view egress, std::string_view provider, wall_time now) {
    limit_subject about;
    about.egress = egress;
    about.provider = provider;
    about.site = "a.site";
    for (unsigned n = 0; n < 1000; ++n) {
      if (limits_.admit(limited_action::send, about, urgency::urgent, 1, now)) {
        const auto all = limits_.explain(about, urgency::urgent, now);
        const auto by = std::ranges::find_if(all, [](const auto& l) { return l.blocks; });
        return {n, by == all.end() ? "" : by->text};
      }
      limits_.end(limited_action::send, about, 1);
      book_.note(egress, provider, warm_up_result::accepted, now);
    }
    return {1000, ""};
  }

  limit_book limits_{[](account_id) { return std::string(); }};
  warm_up_book book_{limits_};
};

TEST_F(warm_up_book_test, caps_each_provider_by_itself_and_the_other_sites_together) {
  configure({{"new", "*", {.first_day = 5, .last_day = 50, .days = 10}}});
  EXPECT_EQ(send_all("new", "google", start),
            (std::pair{5u, std::string("5 messages a day for warm-up new and google (day 1 of 10)")}));
  EXPECT_EQ(send_all("new", "yahoo", start).first, 5u);
  EXPECT_EQ(send_all("new", "", start),
            (std::pair{5u, std::string("5 messages a day for warm-up new and other sites (day 1 of 10)")}));
  EXPECT_EQ(send_all("old", "google", start).first, 1000u);
}

TEST_F(warm_up_book_test, gives_the_first_order_that_fits) {
  configure({{"new", "google", {.first_day = 7, .last_day = 7, .days = 10}},
             {"new", "*", {.first_day = 5, .last_day = 5, .days = 10}}});
  EXPECT_EQ(send_all("new", "google", start).first, 7u);
  EXPECT_EQ(send_all("new", "yahoo", start).first, 5u);
}

TEST_F(warm_up_book_test, lets_more_through_the_next_day_and_says_so) {
  configure({{"new", "*", {.first_day = 5, .last_day = 20, .days = 3}}});
  EXPECT_EQ(send_all("new", "google", start).first, 5u);
  EXPECT_TRUE(book_.review(start + 1h).changes.empty());
  const auto next = book_.review(start + 24h);
  ASSERT_EQ(next.changes.size(), 1u);
  EXPECT_EQ(next.changes[0].egress, "new");
  EXPECT_EQ(next.changes[0].provider, "google");
  EXPECT_EQ(next.changes[0].what, "day 2 of 3, 10 messages: 5 accepted, 0 deferred");
  EXPECT_EQ(send_all("new", "google", start + 25h).first, 10u);
  (void)book_.review(start + 48h);
  EXPECT_EQ(send_all("new", "google", start + 50h).first, 20u);
  EXPECT_EQ(book_.review(start + 75h).changes.at(0).what, "warm, no cap any more: 20 accepted, 0 deferred");
  EXPECT_EQ(send_all("new", "google", start + 75h).first, 1000u);
  ASSERT_EQ(book_.lines().size(), 1u);
  EXPECT_EQ(book_.lines()[0].cap, std::nullopt);
}

TEST_F(warm_up_book_test, goes_on_where_it_was_after_a_restart) {
  const std::vector<warm_up_order> orders{{"new", "*", {.first_day = 5, .last_day = 20, .days = 3}}};
  configure(orders);
  EXPECT_EQ(send_all("new", "", start).first, 5u);
  const auto kept = book_.review(start + 24h).facts;
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].first, "warm-up new other sites");

  limit_book limits{[](account_id) { return std::string(); }};
  warm_up_book again(limits);
  EXPECT_TRUE(again.recall(kept[0].first, kept[0].second));
  EXPECT_FALSE(again.recall("warm-up new", kept[0].second));
  EXPECT_FALSE(again.recall("warm-up new google", "?"));
  limits.configure(again.configure(orders));
  again.apply();
  ASSERT_EQ(again.lines().size(), 1u);
  EXPECT_EQ(again.lines()[0].cap, 10u);
  limit_subject about;
  about.egress = "new";
  about.site = "a.site";
  EXPECT_EQ(limits.explain(about, urgency::urgent, start + 25h).at(0).max, 10u);
}

TEST_F(warm_up_book_test, does_not_write_each_result_down) {
  configure({{"new", "*", {.first_day = 500, .last_day = 5000, .days = 3}}});
  book_.note("new", "google", warm_up_result::accepted, start);
  EXPECT_EQ(book_.review(start + 1s).facts.size(), 1u) << "when it began";
  book_.note("new", "google", warm_up_result::accepted, start);
  EXPECT_TRUE(book_.review(start + 2s).facts.empty());
  for (int n = 0; n < 64; ++n)
    book_.note("new", "google", warm_up_result::deferred, start);
  EXPECT_EQ(book_.review(start + 3s).facts.size(), 1u);
}

TEST_F(warm_up_book_test, is_set_by_an_operator) {
  configure({{"new", "*", {.first_day = 5, .last_day = 20, .days = 3}}});
  EXPECT_EQ(send_all("new", "google", start).first, 5u);
  const auto line = book_.set_day("new", "google", 3);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->cap, 20u);
  EXPECT_EQ(line->at.since, wall_time{}) << "it begins with its first message";
  EXPECT_EQ(send_all("new", "google", start + 1h).first, 15u) << "what was sent in the last 24 hours counts";
  EXPECT_EQ(book_.review(start + 1h).changes.at(0).what, "day 3 of 3, 20 messages: set by an operator");
  EXPECT_EQ(book_.lines().at(0).at.since, start + 1h);
  EXPECT_EQ(book_.set_day("new", "google", UINT32_MAX)->cap, std::nullopt);
  EXPECT_FALSE(book_.set_day("old", "google", 1));
}

TEST_F(warm_up_book_test, says_whether_mail_may_go_by_others) {
  configure({{"new", "google", {.full = when_full::wait}}, {"new", "*", {}}});
  EXPECT_FALSE(book_.spills("new", "google"));
  EXPECT_TRUE(book_.spills("new", ""));
  EXPECT_FALSE(book_.spills("old", "google"));
}

}  // namespace
}  // namespace gonets::shaping
