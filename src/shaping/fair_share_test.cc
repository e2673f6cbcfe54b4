#include "shaping/fair_share.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

namespace gonets::shaping {
namespace {

constexpr account_id a{1}, b{2}, c{3};

// Jain's index of what each got for its weight: 1 is perfectly fair, 1/n is all for one.
double jain(const std::map<account_id, double>& shares) {
  double sum = 0, squares = 0;
  for (const auto& [who, x] : shares) {
    sum += x;
    squares += x * x;
  }
  return sum * sum / (double(shares.size()) * squares);
}

TEST(fair_share, takes_turns) {
  fair_share f;
  EXPECT_FALSE(f.pick());
  f.add(a);
  f.add(b);
  EXPECT_EQ(f.pick(), a);
  EXPECT_EQ(f.pick(), a);  // until it is charged
  f.charge(a, 1);
  EXPECT_EQ(f.pick(), b);
  f.charge(b, 1);
  EXPECT_EQ(f.pick(), a);
}

TEST(fair_share, a_heavier_account_gets_more_in_proportion) {
  fair_share f;
  f.add(a, 3);
  f.add(b, 1);
  std::map<account_id, int> got;
  for (int i = 0; i != 400; ++i) {
    const auto who = *f.pick();
    ++got[who];
    f.charge(who, 1);
  }
  EXPECT_EQ(got[a], 300);
  EXPECT_EQ(got[b], 100);
}

TEST(fair_share, a_message_with_many_recipients_costs_as_many_turns) {
  fair_share f;
  f.add(a);
  f.add(b);
  f.charge(*f.pick(), 50);
  for (int i = 0; i != 49; ++i) {
    ASSERT_EQ(f.pick(), b) << i;
    f.charge(b, 1);
  }
  f.charge(*f.pick(), 1);
  EXPECT_EQ(f.pick(), a);
}

TEST(fair_share, one_alone_is_always_picked_whatever_it_owes) {
  fair_share f;
  f.add(a);
  for (int i = 0; i != 100; ++i) {
    ASSERT_EQ(f.pick(), a);
    f.charge(a, 1'000'000'000);
  }
}

TEST(fair_share, who_may_not_send_loses_its_turn_and_saves_nothing_up) {
  fair_share f;
  f.add(a);
  f.add(b);
  for (int i = 0; i != 100; ++i) {
    if (f.pick() == a) f.pass(a);
    ASSERT_EQ(f.pick(), b);
    f.charge(b, 1);
  }
  int got_a = 0;
  for (int i = 0; i != 20; ++i) {
    const auto who = *f.pick();
    got_a += who == a ? 1 : 0;
    f.charge(who, 1);
  }
  EXPECT_EQ(got_a, 10);
}

TEST(fair_share, accounts_come_and_go) {
  fair_share f;
  f.add(a);
  f.add(b);
  f.add(c);
  EXPECT_EQ(f.pick(), a);
  f.remove(a);
  EXPECT_EQ(f.pick(), b);
  f.remove(c);
  f.charge(b, 1);
  EXPECT_EQ(f.pick(), b);
  f.add(a);
  f.charge(b, 1);
  EXPECT_EQ(f.pick(), a);
  f.remove(a);
  f.remove(b);
  f.remove(b);
  EXPECT_FALSE(f.pick());
  EXPECT_EQ(f.size(), 0u);
  f.charge(a, 1);
  EXPECT_FALSE(f.contains(a));
}

struct backlog {
  std::map<account_id, std::uint64_t> queued;
  std::map<account_id, double> served;
};

// 100 accounts with queues from 10 to 1,000,000 recipients, until the first queue is empty.
backlog drain(std::uint32_t recipients_most, std::uint32_t weight_most, std::uint64_t queue_least) {
  std::mt19937_64 random(5);
  fair_share f;
  backlog all;
  std::map<account_id, std::uint32_t> weights;
  for (std::uint32_t i = 0; i != 100; ++i) {
    const account_id who{i + 1};
    const auto queue = 10 * std::pow(10.0, 5.0 * i / 99);
    all.queued[who] = std::max(queue_least, std::uint64_t(queue));
    all.served[who] = 0;
    weights[who] = 1 + std::uint32_t(random() % weight_most);
    f.add(who, weights[who]);
  }
  while (true) {
    const auto who = *f.pick();
    auto& queue = all.queued[who];
    const auto n = std::min<std::uint64_t>(queue, 1 + random() % recipients_most);
    f.charge(who, std::uint32_t(n));
    queue -= n;
    all.served[who] += double(n) / weights[who];
    if (queue == 0) return all;
  }
}

TEST(fair_share, a_hundred_accounts_with_queues_of_10_to_1000000_share_fairly) {
  EXPECT_GE(jain(drain(1, 1, 10).served), 0.99);
}

TEST(fair_share, so_they_do_with_messages_of_many_recipients_and_with_weights) {
  EXPECT_GE(jain(drain(50, 1, 5000).served), 0.99);
  EXPECT_GE(jain(drain(50, 7, 5000).served), 0.99);
}

}  // namespace
}  // namespace gonets::shaping
