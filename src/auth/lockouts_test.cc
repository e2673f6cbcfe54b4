#include "auth/lockouts.h"

#include <gtest/gtest.h>

namespace gonets::auth {
namespace {

using namespace std::chrono_literals;

const steady_time start{1000h};
constexpr lockout_limits limits{.failures_max = 3, .window = 10min, .lockout = 15min, .delay = 1s};

TEST(lockouts, delays_each_failure_longer_up_to_a_bound_and_then_locks_source_and_login) {
  lockouts l(limits);
  EXPECT_EQ(l.note_failure("a", "192.0.2.1", start).delay, 1s);
  EXPECT_EQ(l.note_failure("a", "192.0.2.1", start).delay, 2s);
  EXPECT_FALSE(l.source_locked("192.0.2.1", start));
  const auto third = l.note_failure("a", "192.0.2.1", start);
  EXPECT_EQ(third.delay, 3s);
  EXPECT_TRUE(third.locks_source && third.locks_login);
  EXPECT_TRUE(l.source_locked("192.0.2.1", start));
  EXPECT_TRUE(l.login_locked("a", "192.0.2.99", start));
  EXPECT_FALSE(l.source_locked("192.0.2.2", start));
  EXPECT_FALSE(l.login_locked("b", "192.0.2.99", start));
  const auto fourth = l.note_failure("a", "192.0.2.1", start);
  EXPECT_FALSE(fourth.locks_source || fourth.locks_login);
  for (int i = 0; i < 20; ++i)
    EXPECT_LE(l.note_failure("a", "192.0.2.1", start).delay, 10s);
}

TEST(lockouts, ends_by_itself_and_forgets_what_is_older_than_the_window) {
  lockouts l(limits);
  for (int i = 0; i < 3; ++i)
    l.note_failure("a", "s", start);
  EXPECT_TRUE(l.source_locked("s", start + 14min));
  EXPECT_FALSE(l.source_locked("s", start + 15min));
  EXPECT_EQ(l.note_failure("a", "s", start + 16min).delay, 1s);
  EXPECT_FALSE(l.source_locked("s", start + 16min));
}

TEST(lockouts, does_not_lock_a_login_where_it_succeeded_lately) {
  lockouts l(limits);
  l.note_success("victim", "192.0.2.7", start);
  for (const auto* attacker : {"198.51.100.1", "198.51.100.2", "198.51.100.3"})
    l.note_failure("victim", attacker, start);
  EXPECT_TRUE(l.login_locked("victim", "198.51.100.4", start));
  EXPECT_FALSE(l.login_locked("victim", "192.0.2.7", start));
  EXPECT_FALSE(l.source_locked("198.51.100.1", start));
}

TEST(lockouts, locks_a_source_that_tries_many_logins_and_a_login_tried_from_many_sources) {
  lockouts l(limits);
  for (const auto* login : {"a", "b", "c"})
    l.note_failure(login, "s", start);
  EXPECT_TRUE(l.source_locked("s", start));
  EXPECT_FALSE(l.login_locked("a", "t", start));
}

TEST(lockouts, takes_the_64_of_an_ipv6_address_for_one_source) {
  EXPECT_EQ(lockouts::source_of(*parse_address("192.0.2.1")), "192.0.2.1");
  EXPECT_EQ(lockouts::source_of(*parse_address("2001:db8::1")), "2001:db8::/64");
  EXPECT_EQ(lockouts::source_of(*parse_address("2001:db8::1")), lockouts::source_of(*parse_address("2001:db8::ffff")));
}

TEST(lockouts, lists_the_locked_first_and_unlocks_by_name_or_address) {
  lockouts l(limits);
  l.note_failure("b", "2001:db8::/64", start);
  for (int i = 0; i < 3; ++i)
    l.note_failure("a", "192.0.2.1", start);
  const auto rows = l.rows(start, 10);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].name, "192.0.2.1");
  EXPECT_EQ(rows[0].what, subject::source);
  EXPECT_EQ(rows[0].locked_for, 15min);
  EXPECT_EQ(rows[1].name, "a");
  EXPECT_EQ(rows[2].locked_for, 0s);
  EXPECT_TRUE(l.unlock("2001:db8::5"));
  EXPECT_TRUE(l.unlock("192.0.2.1"));
  EXPECT_TRUE(l.unlock("a"));
  EXPECT_FALSE(l.unlock("a"));
  EXPECT_FALSE(l.source_locked("192.0.2.1", start));
  EXPECT_EQ(l.rows(start, 10).size(), 1u);
  EXPECT_TRUE(l.rows(start + 11min, 10).empty());
}

TEST(lru_map, forgets_what_was_touched_longest_ago_when_it_is_full) {
  detail::lru_map<int> m(2);
  m.put("a") = 1;
  m.put("b") = 2;
  m.touch("a");
  m.put("c") = 3;
  EXPECT_EQ(m.peek("b"), nullptr);
  EXPECT_EQ(*m.peek("a"), 1);
  EXPECT_EQ(m.size(), 2u);
  EXPECT_TRUE(m.erase("a"));
  EXPECT_FALSE(m.erase("a"));
}

}  // namespace
}  // namespace gonets::auth
