#include "shaping/limit_set.h"

#include <gtest/gtest.h>

#include <random>

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;
using enum limit_kind;
using enum limited_action;

constexpr wall_time start{1'700'000'000'000ms};

limit_setting of(limit_kind what, std::uint32_t max, std::string source = "gonets.toml: limits") {
  return {.what = what, .max = max, .source = std::move(source)};
}

TEST(limit_set, the_tightest_of_all_levels_stands_in_the_way_and_says_where_it_comes_from) {
  limit_node server(limit_level::server, "all"), google(limit_level::provider, "google");
  server.configure({of(messages_a_minute, 1000)});
  google.configure({of(messages_a_minute, 1, "rules/providers.toml: google"), of(messages_a_day, 5)});
  limit_chain chain{&server, nullptr, &google};
  EXPECT_FALSE(chain.admit(send, 1, start));
  const auto way = chain.admit(send, 1, start + 1s);
  ASSERT_TRUE(way);
  EXPECT_EQ(way->level, limit_level::provider);
  EXPECT_EQ(way->name, "google");
  EXPECT_EQ(way->what, messages_a_minute);
  EXPECT_EQ(way->max, 1u);
  EXPECT_EQ(way->until, start + 60s);
  EXPECT_EQ(to_text(*way), "1 messages a minute for provider google (rules/providers.toml: google)");
}

TEST(limit_set, takes_from_all_or_from_none) {
  limit_node site(limit_level::site, "mx:a.test"), account(limit_level::account, "acme");
  site.configure({of(messages_a_day, 10), of(in_flight, 5)});
  account.configure({of(messages_a_day, 1)});
  limit_chain chain{&site, &account};
  EXPECT_FALSE(chain.admit(send, 1, start));
  for (int i = 0; i != 20; ++i)
    EXPECT_TRUE(chain.admit(send, 1, start + 1s));
  EXPECT_EQ(site.in_flight(), 1u);
  EXPECT_EQ(chain.explain(start + 1s)[0].used, 1u);
}

TEST(limit_set, what_lasts_longest_is_told) {
  limit_node site(limit_level::site, "a"), account(limit_level::account, "acme");
  site.configure({of(messages_a_minute, 1), of(in_flight, 1)});
  account.configure({of(messages_an_hour, 1)});
  limit_chain chain{&site, &account};
  ASSERT_FALSE(chain.admit(send, 1, start));
  EXPECT_EQ(chain.admit(send, 1, start)->what, messages_an_hour);
  limit_chain alone{&site};
  EXPECT_EQ(alone.admit(send, 1, start)->what, messages_a_minute);
  const auto way = alone.admit(send, 1, start + 2min);
  ASSERT_TRUE(way);
  EXPECT_EQ(way->what, in_flight);
  EXPECT_FALSE(way->until);
  alone.end(send, 1);
  EXPECT_FALSE(alone.admit(send, 1, start + 2min));
}

TEST(limit_set, connections_are_counted_by_holder_and_given_back) {
  limit_node server(limit_level::server, "all");
  server.configure({of(connections, 3), of(connections_a_minute, 100)});
  limit_chain chain{&server};
  EXPECT_FALSE(chain.admit(connect, 7, start));
  EXPECT_FALSE(chain.admit(connect, 7, start + 1s));
  EXPECT_FALSE(chain.admit(connect, 8, start + 2s));
  EXPECT_EQ(chain.admit(connect, 9, start + 3s)->what, connections);
  EXPECT_EQ(server.connections().holders().at(7), 2u);
  EXPECT_EQ(server.connections().holders().at(8), 1u);
  chain.end(connect, 9);  // has none
  EXPECT_EQ(server.connections().used(), 3u);
  chain.end(connect, 7);
  EXPECT_FALSE(chain.admit(connect, 9, start + 4s));
}

TEST(limit_set, a_message_takes_nothing_of_the_connections_and_the_other_way_round) {
  limit_node site(limit_level::site, "a");
  site.configure({of(connections_a_minute, 1), of(messages_a_minute, 1)});
  limit_chain chain{&site};
  EXPECT_FALSE(chain.admit(connect, 1, start));
  EXPECT_FALSE(chain.admit(send, 1, start));
  EXPECT_TRUE(chain.admit(connect, 1, start));
  EXPECT_TRUE(chain.admit(send, 1, start));
}

TEST(limit_set, a_hold_lets_nothing_through_until_it_ends) {
  limit_node at(limit_level::account_provider, "acme at google");
  limit_chain chain{&at};
  at.hold(start + 1h, "421 4.7.28 (google: unsolicited)");
  at.hold(start + 1min, "shorter");
  const auto way = chain.admit(send, 1, start);
  ASSERT_TRUE(way);
  EXPECT_EQ(way->until, start + 1h);
  EXPECT_EQ(to_text(*way), "account x provider acme at google is held: 421 4.7.28 (google: unsolicited)");
  EXPECT_TRUE(chain.admit(connect, 1, start));
  EXPECT_FALSE(chain.admit(send, 1, start + 1h));
  at.hold(start + 3h, "again");
  at.release();
  EXPECT_FALSE(chain.admit(send, 1, start + 2h));
}

TEST(limit_set, explains_every_limit_in_order_and_as_it_would_judge) {
  limit_node server(limit_level::server, "all"), site(limit_level::site, "a");
  server.configure({of(connections, 100), of(messages_a_day, 2)});
  site.configure({of(messages_a_connection, 20), of(messages_a_second, 1)});
  limit_chain chain{&server, &site};
  ASSERT_FALSE(chain.admit(send, 1, start));
  const auto lines = chain.explain(start);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].what, connections);
  EXPECT_EQ(lines[1].what, messages_a_day);
  EXPECT_EQ(lines[1].used, 1u);
  EXPECT_EQ(lines[1].max, 2u);
  EXPECT_FALSE(lines[1].blocks);
  EXPECT_EQ(lines[2].max, 20u);
  EXPECT_TRUE(lines[3].blocks);
  EXPECT_EQ(lines[3].used, 1u);
  EXPECT_EQ(lines[3].until, start + 1s);
}

TEST(limit_set, the_least_of_what_is_not_counted_is_found) {
  limit_node server(limit_level::server, "all"), google(limit_level::provider, "google");
  server.configure({of(recipients_a_transaction, 100)});
  google.configure({of(recipients_a_transaction, 50), of(messages_a_connection, 7)});
  const limit_chain chain{&server, &google};
  EXPECT_EQ(chain.tightest(recipients_a_transaction)->max, 50u);
  EXPECT_EQ(chain.tightest(messages_a_connection)->name, "google");
  EXPECT_FALSE(limit_chain{&server}.tightest(messages_a_connection));
}

TEST(limit_set, counters_go_on_over_new_settings) {
  limit_node site(limit_level::site, "a");
  site.configure({of(messages_a_day, 10), of(connections, 5)});
  limit_chain chain{&site};
  for (int i = 0; i != 4; ++i)
    ASSERT_FALSE(chain.admit(send, 1, start));
  ASSERT_FALSE(chain.admit(connect, 1, start));
  site.configure({of(messages_a_day, 5), of(messages_a_day, 50), of(connections, 1)});
  EXPECT_FALSE(chain.admit(send, 1, start));
  EXPECT_TRUE(chain.admit(send, 1, start));
  EXPECT_TRUE(chain.admit(connect, 1, start));
  site.configure({});
  EXPECT_FALSE(chain.admit(send, 1, start));
  EXPECT_FALSE(chain.admit(connect, 1, start));
}

TEST(limit_set, what_was_not_sent_is_given_back) {
  limit_node site(limit_level::site, "a");
  site.configure({of(messages_a_day, 1), of(messages_a_minute, 1), of(in_flight, 1)});
  limit_chain chain{&site};
  ASSERT_FALSE(chain.admit(send, 1, start));
  chain.end(send, 1);
  chain.take_back(start);
  EXPECT_FALSE(chain.admit(send, 1, start));
}

TEST(limit_set, its_long_windows_are_kept_over_a_restart) {
  const std::vector<limit_setting> settings{of(messages_a_second, 5), of(messages_a_minute, 1), of(messages_a_day, 1)};
  limit_node before(limit_level::account, "acme");
  before.configure(settings);
  ASSERT_FALSE((limit_chain{&before}).admit(send, 1, start));
  limit_node after(limit_level::account, "acme");
  after.configure({of(messages_a_day, 1)});
  ASSERT_TRUE(after.restore(before.state()));
  EXPECT_EQ((limit_chain{&after}).admit(send, 1, start + 1h)->what, messages_a_day);
}

TEST(limit_set, what_it_can_not_read_it_does_not_restore) {
  limit_node node(limit_level::site, "a");
  node.configure({of(messages_a_day, 1)});
  ASSERT_FALSE((limit_chain{&node}).admit(send, 1, start));
  const auto good = node.state();
  limit_node other(limit_level::site, "a");
  other.configure({of(messages_a_day, 1)});
  for (std::size_t n = 2; n < good.size(); ++n)
    EXPECT_FALSE(other.restore(std::string_view(good).substr(0, n))) << n;
  EXPECT_FALSE(other.restore(""));
  EXPECT_FALSE((limit_chain{&other}).find_obstacle(send, start));
  restore(other, "?", start);
  EXPECT_EQ((limit_chain{&other}).find_obstacle(send, start)->what, hold);
}

TEST(limit_set, sends_nothing_that_is_not_counted_on_the_disk) {
  limit_node node(limit_level::site, "a", keeping::on_disk);
  node.configure({of(messages_a_day, 500)});
  limit_chain chain{&node};
  EXPECT_EQ(chain.admit(send, 1, start)->what, unwritten);
  const auto five = node.reserve(start);
  ASSERT_TRUE(five);
  EXPECT_EQ(five->count, 5u);
  EXPECT_FALSE(node.reserve(start));  // it is being written
  EXPECT_FALSE(node.covered(start));
  node.reserved(*five);
  for (int i = 0; i < 3; ++i)
    EXPECT_FALSE(chain.admit(send, 1, start));
  const auto next = node.reserve(start);  // early enough that nobody waits for it
  ASSERT_TRUE(next);
  EXPECT_FALSE(chain.admit(send, 1, start));
  node.reserved(*next);
  for (int i = 0; i < 4; ++i)
    EXPECT_FALSE(chain.admit(send, 1, start));
  EXPECT_EQ(chain.admit(send, 1, start)->what, unwritten);
  EXPECT_FALSE(node.covered(next->until + 1ms));
}

// Whenever it crashes: of what was sent before, and what the state on the disk lets through after, no window has more
// than the limit allows.
TEST(limit_set, by_chance_is_never_crossed_by_a_crash) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random(seed);
    const std::uint32_t an_hour = 1 + random() % 700, a_minute = 1 + random() % 40;
    const std::vector<limit_setting> settings{of(messages_an_hour, an_hour), of(messages_a_minute, a_minute)};
    auto node = std::make_unique<limit_node>(limit_level::site, "a", keeping::on_disk);
    node->configure(settings);
    std::string disk;
    std::optional<limit_reserve> writing;
    std::vector<wall_time> sent;
    auto now = start;
    for (int step = 0; step < 4000; ++step) {
      now += std::chrono::milliseconds(random() % (random() % 8 == 0 ? 60'000 : 500));
      if (!writing) writing = node->reserve(now);
      if (writing && random() % 3 == 0) {
        disk = writing->state;
        node->reserved(*writing);
        writing.reset();
      }
      limit_chain chain{node.get()};
      if (!chain.admit(send, 1, now)) {
        chain.end(send, 1);
        if (random() % 20 == 0)
          chain.take_back(now);
        else
          sent.push_back(now);
      }
      if (random() % 100 != 0) continue;
      node = std::make_unique<limit_node>(limit_level::site, "a", keeping::on_disk);
      node->configure(settings);
      if (random() % 2 == 0 && writing) disk = writing->state;  // it got there, and nobody heard of it
      writing.reset();
      if (disk.empty()) continue;
      ASSERT_TRUE(node->restore(disk));
    }
    EXPECT_GT(sent.size(), 10u);
    const auto most = [&](std::chrono::milliseconds window) {
      std::size_t found = 0;
      for (std::size_t first = 0, last = 0; last < sent.size(); ++last) {
        while (sent[last] - sent[first] >= window)
          ++first;
        found = std::max(found, last - first + 1);
      }
      return found;
    };
    EXPECT_LE(most(1h), an_hour) << seed;
    EXPECT_LE(most(1min), a_minute) << seed;
  }
}

TEST(limit_set, a_reserve_that_a_full_window_overtook_is_void) {
  limit_node node(limit_level::site, "a", keeping::on_disk);
  node.configure({of(messages_a_day, 500)});
  const auto five = node.reserve(start);
  ASSERT_TRUE(five);
  ASSERT_TRUE(node.exhaust(messages_a_day, start));  // and its state is written, behind the five
  node.reserved(*five);
  EXPECT_FALSE(node.covered(start));
}

TEST(limit_set, a_window_that_the_receiver_calls_full_is_full) {
  limit_node node(limit_level::site, "a");
  node.configure({of(messages_a_day, 500), of(messages_a_minute, 20)});
  limit_chain chain{&node};
  ASSERT_FALSE(chain.admit(send, 1, start));
  EXPECT_TRUE(node.exhaust(messages_a_day, start + 1h));
  EXPECT_FALSE(node.exhaust(messages_an_hour, start));
  const auto full = chain.find_obstacle(send, start + 1h);
  ASSERT_TRUE(full);
  EXPECT_EQ(full->what, messages_a_day);
  EXPECT_GE(*full->until, start + 24h);  // the first that was sent leaves it then
  EXPECT_LE(*full->until, start + 25h);
}

TEST(limit_set, by_chance_never_lets_through_what_any_level_forbids) {
  std::mt19937_64 random(11);
  limit_node server(limit_level::server, "all"), site(limit_level::site, "a"), account(limit_level::account, "b");
  server.configure({of(messages_a_day, 400), of(in_flight, 7)});
  site.configure({of(messages_a_minute, 9), of(messages_an_hour, 50)});
  account.configure({of(messages_a_second, 2), of(in_flight, 3)});
  limit_chain chain{&server, &site, &account};
  auto now = start;
  std::vector<wall_time> sent;
  unsigned under_way = 0;
  for (int i = 0; i != 50'000; ++i) {
    now += std::chrono::milliseconds(random() % 20'000);
    if (under_way > 0 && random() % 2 == 0) {
      chain.end(send, 1);
      --under_way;
    }
    bool expected = true;
    for (const auto& l : chain.explain(now))
      expected = expected && !l.blocks;
    const auto way = chain.admit(send, 1, now);
    ASSERT_EQ(!way, expected);
    if (way) continue;
    ++under_way;
    ASSERT_LE(under_way, 3u);
    sent.push_back(now);
  }
  const auto most_in = [&](std::chrono::milliseconds window) {
    std::size_t most = 0;
    for (std::size_t first = 0, last = 0; last != sent.size(); ++last) {
      while (sent[first] + window <= sent[last])
        ++first;
      most = std::max(most, last - first + 1);
    }
    return most;
  };
  EXPECT_LE(most_in(1s), 2u);
  EXPECT_LE(most_in(1min), 9u);
  EXPECT_LE(most_in(1h), 50u);
  EXPECT_LE(most_in(24h), 400u);
  EXPECT_GT(sent.size(), 1500u);
}

}  // namespace
}  // namespace gonets::shaping
