#include "shaping/limit_book.h"

#include <gmock/gmock.h>

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;
using enum limited_action;
using enum urgency;

constexpr wall_time start{1'700'000'000'000ms};

limit_order order(limit_scope about, limit_kind what, std::uint32_t max) {
  return {std::move(about), {{.what = what, .max = max, .source = "test"}}};
}

class limit_book_test : public ::testing::Test {
 protected:
  static limit_subject about(std::uint32_t account, std::string_view provider = "google",
                             std::string_view stream = "bulk") {
    return {"default", provider, "mx:a.test", stream, account_id{account}};
  }
  // How many of ten messages are let through at once.
  int let_through(const limit_subject& who, urgency how = urgent) {
    int n = 0;
    for (int i = 0; i < 10; ++i)
      n += !book_.admit(send, who, how, 1, start);
    return n;
  }
  limit_book book_{[](account_id who) { return who.value == 0 ? std::string() : "a" + std::to_string(who.value); }};
};

TEST(limit_scope, is_of_one_level_or_none) {
  EXPECT_EQ(level_of({}), limit_level::server);
  EXPECT_EQ(level_of({.egress = "*"}), limit_level::egress);
  EXPECT_EQ(level_of({.provider = "google"}), limit_level::provider);
  EXPECT_EQ(level_of({.site = "*"}), limit_level::site);
  EXPECT_EQ(level_of({.account = "*"}), limit_level::account);
  EXPECT_EQ(level_of({.stream = "bulk"}), limit_level::stream);
  EXPECT_EQ(level_of({.egress = "*", .provider = "*"}), limit_level::egress_provider);
  EXPECT_EQ(level_of({.provider = "*", .account = "*"}), limit_level::account_provider);
  EXPECT_EQ(level_of({.account = "*", .stream = "*"}), std::nullopt);
  EXPECT_EQ(level_of({.egress = "*", .provider = "*", .account = "*"}), std::nullopt);
}

TEST_F(limit_book_test, lets_all_through_without_limits) {
  EXPECT_TRUE(book_.empty());
  EXPECT_EQ(let_through(about(1)), 10);
  EXPECT_TRUE(book_.explain(about(1), urgent, start).empty());
}

TEST_F(limit_book_test, counts_each_by_itself_where_the_name_is_a_star) {
  book_.configure({order({.account = "*"}, limit_kind::messages_an_hour, 3)});
  EXPECT_EQ(let_through(about(1)), 3);
  EXPECT_EQ(let_through(about(2)), 3);
  EXPECT_EQ(let_through(about(0)), 10) << "nobody's mail is under no account's limit";
}

TEST_F(limit_book_test, counts_one_alone_where_it_has_a_name) {
  book_.configure({order({.provider = "google"}, limit_kind::messages_a_day, 4)});
  EXPECT_EQ(let_through(about(1, "yahoo")), 10);
  EXPECT_EQ(let_through(about(1)), 4);
  EXPECT_EQ(let_through(about(2)), 0);
}

TEST_F(limit_book_test, takes_from_all_levels_or_from_none) {
  book_.configure(
      {order({}, limit_kind::messages_an_hour, 5), order({.account = "a1"}, limit_kind::messages_an_hour, 2)});
  EXPECT_EQ(let_through(about(1)), 2);
  EXPECT_EQ(let_through(about(2)), 3) << "what the account's limit refused has taken nothing from the server's";
}

TEST_F(limit_book_test, leaves_a_little_to_what_is_urgent) {
  book_.configure({order({.stream = "bulk"}, limit_kind::in_flight, 4)});
  EXPECT_EQ(let_through(about(1), ordinary), 3);
  EXPECT_EQ(let_through(about(1), urgent), 1);
}

TEST_F(limit_book_test, gives_back_what_ended_and_what_was_not_used) {
  book_.configure({{{},
                    {{.what = limit_kind::in_flight, .max = 2, .source = "test"},
                     {.what = limit_kind::messages_an_hour, .max = 3, .source = "test"}}}});
  EXPECT_EQ(let_through(about(1)), 2);
  book_.end(send, about(1), 1);
  book_.end(send, about(1), 1);
  EXPECT_EQ(let_through(about(1)), 1) << "of the hour's three";
  book_.end(send, about(1), 1);
  book_.take_back(about(1), start);
  EXPECT_EQ(let_through(about(1)), 1);
}

TEST_F(limit_book_test, bounds_connections_by_what_they_are_for_and_not_by_whose_mail_they_carry) {
  book_.configure(
      {order({.provider = "*"}, limit_kind::connections, 1), order({.account = "*"}, limit_kind::connections, 0)});
  limit_subject place{"default", "google", "mx:a.test", {}, {}};
  EXPECT_FALSE(book_.admit(connect, place, urgent, 1, start));
  EXPECT_TRUE(book_.admit(connect, place, urgent, 2, start));
  book_.end(connect, place, 1);
  EXPECT_FALSE(book_.admit(connect, place, urgent, 2, start));
}

TEST_F(limit_book_test, says_which_limit_is_in_the_way_and_until_when) {
  book_.configure({order({.provider = "*", .account = "*"}, limit_kind::messages_an_hour, 1)});
  ASSERT_EQ(let_through(about(1)), 1);
  const auto in_the_way = book_.find_block(send, about(1), urgent, start);
  ASSERT_TRUE(in_the_way);
  EXPECT_EQ(in_the_way->level, limit_level::account_provider);
  ASSERT_TRUE(in_the_way->until);
  EXPECT_GE(*in_the_way->until, start + 1h);
  const auto shown = book_.explain(about(1), urgent, start);
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown[0].text, "1 messages an hour for account x provider google and a1 (test)");
  EXPECT_TRUE(shown[0].blocks);
}

TEST_F(limit_book_test, goes_on_counting_after_it_was_configured_anew) {
  book_.configure({order({}, limit_kind::messages_an_hour, 5)});
  EXPECT_EQ(let_through(about(1)), 5);
  book_.configure({order({}, limit_kind::messages_an_hour, 7)});
  EXPECT_EQ(let_through(about(1)), 2);
  book_.configure({});
  EXPECT_EQ(let_through(about(1)), 10);
}

TEST_F(limit_book_test, is_not_fooled_by_a_shard_whose_clock_is_a_little_behind) {
  book_.configure({order({}, limit_kind::messages_a_second, 1)});
  EXPECT_FALSE(book_.admit(send, about(1), urgent, 1, start));
  EXPECT_TRUE(book_.admit(send, about(1), urgent, 1, start - 5ms));
  EXPECT_FALSE(book_.admit(send, about(1), urgent, 1, start + 1s));
}

}  // namespace
}  // namespace gonets::shaping
