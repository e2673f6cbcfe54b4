#include "delivery/site_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "runtime/resolver_test_support.h"

namespace gonets::delivery {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using set_result = std::expected<std::shared_ptr<const mx_set>, mx_failure>;

struct manual_clock final : clock {
  wall_time wall() const override { return {}; }
  steady_time steady() const override { return now; }
  steady_time now{};
};

class site_cache_test : public ::testing::Test {
 protected:
  site_cache& cache() {
    if (!cache_) cache_.emplace(lookup, time, options);
    return *cache_;
  }
  set_result find(std::string_view domain) {
    std::optional<set_result> result;
    cache().find(domain, [&](set_result r) { result = std::move(r); });
    dns.run();
    return result.value();
  }
  // Whether asking for the domain now costs a query.
  bool asks_for(std::string_view domain) {
    const auto before = dns.asked.size();
    (void)find(domain);
    return dns.asked.size() != before;
  }

  runtime::scripted_resolver dns;
  mx_lookup lookup{dns, {}, 1};
  manual_clock time;
  site_cache_options options;
  std::optional<site_cache> cache_;
};

TEST_F(site_cache_test, asks_once_within_the_time_to_live) {
  dns.set_mx("example.org", {{10, "mx.example.org"}}, 600s);
  EXPECT_TRUE(asks_for("example.org"));
  time.now += 599s;
  EXPECT_FALSE(asks_for("Example.ORG."));
  time.now += 1s;
  EXPECT_TRUE(asks_for("example.org"));
}

TEST_F(site_cache_test, keeps_a_set_for_a_minute_at_least_and_an_hour_at_most) {
  dns.set_mx("short.example", {{10, "mx.example.org"}}, 0s);
  dns.set_mx("long.example", {{10, "mx.example.org"}}, 86400s);
  (void)find("short.example");
  (void)find("long.example");
  time.now += 59s;
  EXPECT_FALSE(asks_for("short.example"));
  time.now += 1s;
  EXPECT_TRUE(asks_for("short.example"));
  time.now += 3539s;
  EXPECT_FALSE(asks_for("long.example"));
  time.now += 1s;
  EXPECT_TRUE(asks_for("long.example"));
}

TEST_F(site_cache_test, keeps_failures_for_now_half_a_minute_and_others_five) {
  dns.set_failure("MX broken.example", runtime::dns_status::temporary, "SERVFAIL");
  EXPECT_EQ(find("broken.example").error().answer.code, 451);
  EXPECT_EQ(find("nowhere.example").error().answer.code, 550);
  time.now += 29s;
  EXPECT_FALSE(asks_for("broken.example"));
  EXPECT_EQ(find("broken.example").error().answer.code, 451);
  time.now += 1s;
  EXPECT_TRUE(asks_for("broken.example"));
  time.now += 269s;
  EXPECT_FALSE(asks_for("nowhere.example"));
  time.now += 1s;
  EXPECT_TRUE(asks_for("nowhere.example"));
}

TEST_F(site_cache_test, replaces_a_failure_once_dns_is_back) {
  dns.set_failure("MX example.org", runtime::dns_status::temporary, "SERVFAIL");
  EXPECT_FALSE(find("example.org"));
  dns.set_mx("example.org", {{10, "mx.example.org"}});
  time.now += 30s;
  EXPECT_TRUE(find("example.org"));
  EXPECT_EQ(cache().domains(), 1U);
}

TEST_F(site_cache_test, makes_one_lookup_of_requests_at_the_same_time) {
  dns.set_mx("example.org", {{10, "mx.example.org"}});
  std::vector<std::string> keys;
  for (const auto* spelling : {"example.org", "EXAMPLE.org", "example.org."}) {
    cache().find(spelling, [&](const set_result& r) { keys.push_back(r.value()->site_key); });
  }
  dns.run();
  EXPECT_THAT(keys, ElementsAre("mx:mx.example.org", "mx:mx.example.org", "mx:mx.example.org"));
  EXPECT_THAT(dns.asked, ElementsAre("MX example.org"));
}

TEST_F(site_cache_test, keeps_sets_apart_that_dnssec_vouches_for) {
  dns.set_mx("one.example", {{10, "mx.host.example"}}, 600s);
  dns.set_mx("two.example", {{10, "mx.host.example"}}, 600s);
  dns.answer_of("MX two.example").secure = true;
  EXPECT_FALSE(find("one.example").value()->secure);
  EXPECT_TRUE(find("two.example").value()->secure);
}

TEST_F(site_cache_test, shares_one_set_among_domains_of_one_service) {
  dns.set_mx("one.example", {{10, "mx.host.example"}, {20, "backup.host.example"}}, 600s);
  dns.set_mx("two.example", {{20, "backup.host.example"}, {10, "mx.host.example"}}, 700s);
  dns.set_mx("three.example", {{20, "mx.host.example"}, {10, "backup.host.example"}}, 600s);
  const auto one = find("one.example").value();
  EXPECT_EQ(find("two.example").value(), one);
  const auto three = find("three.example").value();
  EXPECT_NE(three, one);
  EXPECT_EQ(three->site_key, one->site_key);
  EXPECT_EQ(cache().domains(), 3U);
  EXPECT_EQ(cache().sets(), 2U);
}

TEST_F(site_cache_test, forgets_sets_that_nobody_holds) {
  for (int i = 0; i < 5000; ++i) {
    const auto domain = "d" + std::to_string(i) + ".example";
    dns.set_mx(domain, {{10, "mx." + domain}});
    options.domains_max = 100;
    (void)find(domain);
  }
  EXPECT_LE(cache().domains(), 100U);
  EXPECT_LE(cache().sets(), 100U);
}

TEST_F(site_cache_test, forgets_first_what_was_not_asked_for_lately) {
  options.domains_max = 10;
  dns.set_mx("often.example", {{10, "mx.example.org"}});
  dns.set_mx("seldom.example", {{10, "mx.example.org"}});
  (void)find("often.example");
  (void)find("seldom.example");
  for (int i = 0; i < 20; ++i) {
    (void)find("d" + std::to_string(i) + ".example");
    EXPECT_FALSE(asks_for("often.example")) << i;
    EXPECT_LE(cache().domains(), 10U);
  }
  EXPECT_TRUE(asks_for("seldom.example"));
}

TEST_F(site_cache_test, passes_literals_through) {
  EXPECT_EQ(find("[192.0.2.1]").value()->site_key, "mx:192.0.2.1");
  EXPECT_EQ(find("a..b").error().answer.code, 550);
  EXPECT_EQ(cache().domains(), 0U);
}

TEST_F(site_cache_test, calls_nobody_after_its_end) {
  int calls = 0;
  cache().find("example.org", [&](const set_result&) { ++calls; });
  cache_.reset();
  dns.run();
  EXPECT_EQ(calls, 0);
}

TEST_F(site_cache_test, may_be_destroyed_by_a_handler) {
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    cache().find("example.org", [&](const set_result&) {
      ++calls;
      cache_.reset();
    });
  }
  dns.run();
  EXPECT_EQ(calls, 1);
}

TEST_F(site_cache_test, may_be_asked_again_by_a_handler) {
  dns.set_mx("example.org", {{10, "mx.example.org"}});
  int calls = 0;
  cache().find("example.org",
               [&](const set_result&) { cache().find("example.org", [&](const set_result&) { ++calls; }); });
  dns.run();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(dns.asked.size(), 1U);
}

}  // namespace
}  // namespace gonets::delivery
