#include "mta_sts/cache.h"

#include <gtest/gtest.h>

namespace gonets::mta_sts {
namespace {

using namespace std::chrono_literals;
using state = cache::state;

constexpr wall_time start{std::chrono::milliseconds(1'800'000'000'000)};

kept_policy policy(std::string domain, std::chrono::seconds max_age, wall_time fetched, std::string id = "1") {
  auto p = std::make_shared<tls_policy::sts_policy>();
  p->mode = tls_policy::sts_mode::enforce;
  p->max_age = max_age;
  p->id = std::move(id);
  return {std::move(domain), std::move(p), fetched};
}

TEST(sts_cache, knows_nothing_of_a_domain_at_first) {
  const cache known;
  EXPECT_EQ(known.find("a.test", start).what, state::unknown);
  EXPECT_FALSE(known.look("a.test", start));
}

TEST(sts_cache, remembers_that_there_is_no_policy_until_it_is_to_be_looked_up_again) {
  cache known;
  known.keep("a.test", start, start + 60s, {});
  EXPECT_EQ(known.find("a.test", start + 59s).what, state::known);
  EXPECT_EQ(known.find("a.test", start + 59s).policy, nullptr);
  EXPECT_EQ(known.find("a.test", start + 60s).what, state::unknown) << "mail waits for the look-up";
}

TEST(sts_cache, gives_a_policy_at_once_and_lets_one_caller_look_it_up_again) {
  cache known;
  known.put(policy("a.test", 24h, start), start + 10s);
  EXPECT_EQ(known.find("a.test", start + 9s).what, state::known);
  EXPECT_EQ(known.find("a.test", start + 10s).what, state::due);
  const auto other = known.find("a.test", start + 11s);
  EXPECT_EQ(other.what, state::known);
  EXPECT_NE(other.policy, nullptr);
  EXPECT_EQ(known.find("a.test", start + 10s + cache::due_again).what, state::due) << "the first never came back";
}

TEST(sts_cache, keeps_a_policy_in_force_whatever_fails) {
  cache known;
  known.put(policy("a.test", 24h, start), start + 10s);
  known.keep("a.test", start + 10s, start + 5min, "the host is down");
  EXPECT_NE(known.find("a.test", start + 1min).policy, nullptr);
  EXPECT_EQ(known.look("a.test", start + 1min)->trouble, "the host is down");
}

TEST(sts_cache, ends_a_policy_at_its_age) {
  cache known;
  known.put(policy("a.test", 1h, start), start + 24h);
  EXPECT_NE(known.find("a.test", start + 1h - 1s).policy, nullptr);
  EXPECT_EQ(known.find("a.test", start + 1h).policy, nullptr);
  EXPECT_FALSE(known.look("a.test", start + 1h)->policy);
  EXPECT_EQ(known.policies(start + 1h), 0u);
}

TEST(sts_cache, takes_what_was_kept_before_a_restart_unless_it_knows_better) {
  cache known;
  known.load(policy("a.test", 24h, start - 1h));
  EXPECT_EQ(known.find("a.test", start).what, state::due) << "in force, and to be looked up";
  known.put(policy("b.test", 24h, start, "new"), start + 10s);
  known.load(policy("b.test", 24h, start - 1h, "old"));
  EXPECT_EQ(known.find("b.test", start).policy->id, "new");
  known.keep("c.test", start, start + 60s, "fetch failed");
  known.load(policy("c.test", 24h, start - 1h));
  EXPECT_NE(known.find("c.test", start).policy, nullptr);
}

TEST(sts_cache, tells_the_policies_that_are_to_be_fetched_before_they_end) {
  cache known;
  known.put(policy("day.test", 24h * 30, start), start);
  known.put(policy("short.test", 10h, start), start);
  known.put(policy("fresh.test", 24h * 30, start + 20h), start);
  known.keep("none.test", start, start + 1h, {});
  EXPECT_TRUE(known.take_stale(start + 4h, 10).empty());
  EXPECT_EQ(known.take_stale(start + 5h, 10), std::vector<std::string>{"short.test"});
  EXPECT_TRUE(known.take_stale(start + 5h + 30min, 10).empty()) << "tried again after an hour";
  EXPECT_EQ(known.take_stale(start + 24h, 10), std::vector<std::string>{"day.test"});
}

TEST(sts_cache, lets_policies_end_that_nobody_asks_for) {
  cache known;
  known.put(policy("a.test", 24h * 365, start), start);
  EXPECT_TRUE(known.take_stale(start + cache::used_max + 1s, 10).empty());
  (void)known.find("a.test", start + cache::used_max);
  EXPECT_EQ(known.take_stale(start + cache::used_max + 1s, 10).size(), 1u);
}

TEST(sts_cache, forgets_domains_without_a_policy_first_when_it_is_full) {
  cache known({.domains_max = 3});
  known.put(policy("a.test", 24h, start), start + 1h);
  known.keep("b.test", start, start + 1h, {});
  known.keep("c.test", start, start + 1h, {});
  known.keep("d.test", start, start + 1h, {});
  EXPECT_NE(known.find("a.test", start).policy, nullptr);
  EXPECT_EQ(known.find("b.test", start).what, state::unknown);
  EXPECT_EQ(known.find("d.test", start).what, state::known);
}

}  // namespace
}  // namespace gonets::mta_sts
