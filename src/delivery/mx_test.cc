#include "delivery/mx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "runtime/resolver_test_support.h"

namespace gonets::delivery {
namespace {

using runtime::dns_status;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

using set_result = std::expected<std::shared_ptr<const mx_set>, mx_failure>;
using hosts_result = std::expected<std::vector<mx_host>, mx_failure>;

class mx_test : public ::testing::Test {
 protected:
  mx_lookup& lookup() {
    if (!lookup_) lookup_.emplace(dns, options, seed);
    return *lookup_;
  }
  set_result find_set(std::string_view domain) {
    std::optional<set_result> result;
    lookup().find_set(domain, [&](set_result r) { result = std::move(r); });
    dns.run();
    return result.value();
  }
  hosts_result find_hosts(std::string_view domain) {
    auto set = find_set(domain);
    if (!set) return std::unexpected(set.error());
    std::optional<hosts_result> result;
    lookup().find_hosts(*set, [&](hosts_result r) { result = std::move(r); });
    dns.run();
    return result.value();
  }
  std::string refusal_of_set(std::string_view domain) {
    const auto result = find_set(domain);
    return result ? "a set" : codes(result.error());
  }
  std::string refusal_of_hosts(std::string_view domain) {
    const auto result = find_hosts(domain);
    return result ? "hosts" : codes(result.error());
  }
  std::vector<std::string> names(std::string_view domain) {
    const auto hosts = find_hosts(domain).value();
    std::vector<std::string> result;
    for (const auto& host : hosts)
      result.push_back(host.name);
    return result;
  }
  static std::string codes(const mx_failure& f) {
    return std::to_string(f.answer.code) + ' ' + to_text(f.answer.status);
  }

  runtime::scripted_resolver dns;
  mx_options options;
  std::uint64_t seed = 1;
  std::optional<mx_lookup> lookup_;
};

TEST_F(mx_test, orders_tiers_by_preference) {
  dns.set_mx("example.org", {{20, "b.example.org"}, {10, "c.example.org"}, {30, "a.example.org"}});
  for (const auto* name : {"a.example.org", "b.example.org", "c.example.org"})
    dns.set_a(name, {"192.0.2.1"});
  EXPECT_THAT(names("example.org"), ElementsAre("c.example.org", "b.example.org", "a.example.org"));
}

TEST_F(mx_test, gives_domains_with_the_same_exchanges_one_site_key) {
  dns.set_mx("one.example", {{20, "b.host.example"}, {10, "a.host.example"}});
  dns.set_mx("two.example", {{5, "b.host.example"}, {5, "A.Host.Example."}});
  EXPECT_EQ(find_set("one.example").value()->site_key, "mx:a.host.example,b.host.example");
  EXPECT_EQ(find_set("two.example").value()->site_key, "mx:a.host.example,b.host.example");
}

TEST_F(mx_test, passes_on_the_time_to_live) {
  dns.set_mx("example.org", {{10, "mx.example.org"}}, std::chrono::seconds(77));
  EXPECT_EQ(find_set("example.org").value()->ttl, std::chrono::seconds(77));
}

TEST_F(mx_test, shuffles_within_a_tier_anew_at_each_call) {
  std::vector<runtime::mx_record> records;
  for (const char c : {'a', 'b', 'c', 'd'}) {
    records.push_back({10, std::string(1, c) + ".example.org"});
    dns.set_a(records.back().exchange, {"192.0.2.1"});
  }
  records.push_back({20, "last.example.org"});
  dns.set_a("last.example.org", {"192.0.2.9"});
  dns.set_mx("example.org", records);
  std::set<std::vector<std::string>> orders;
  for (int i = 0; i < 200; ++i) {
    auto order = names("example.org");
    EXPECT_EQ(order.back(), "last.example.org");
    orders.insert(std::move(order));
  }
  EXPECT_EQ(orders.size(), 24U);  // every order of four
}

TEST_F(mx_test, shuffles_by_the_seed_alone) {
  std::vector<runtime::mx_record> records;
  for (int i = 0; i < 10; ++i) {
    records.push_back({10, "mx" + std::to_string(i) + ".example.org"});
    dns.set_a(records.back().exchange, {"192.0.2.1"});
  }
  dns.set_mx("example.org", records);
  const auto first = names("example.org");
  lookup_.reset();
  EXPECT_EQ(names("example.org"), first);
  lookup_.reset();
  seed = 2;
  EXPECT_NE(names("example.org"), first);
}

TEST_F(mx_test, takes_the_domain_itself_where_there_is_no_mx) {
  dns.set_a("example.org", {"192.0.2.1"});
  const auto set = find_set("Example.ORG.").value();
  EXPECT_TRUE(set->implicit);
  EXPECT_EQ(set->site_key, "mx:example.org");
  EXPECT_THAT(names("example.org"), ElementsAre("example.org"));
}

TEST_F(mx_test, refuses_a_null_mx_with_556) {
  dns.set_mx("example.org", {{0, ""}});
  EXPECT_EQ(refusal_of_set("example.org"), "556 5.1.10");
}

TEST_F(mx_test, ignores_a_null_mx_among_others) {
  dns.set_mx("example.org", {{0, ""}, {10, "mx.example.org"}});
  EXPECT_EQ(find_set("example.org").value()->site_key, "mx:mx.example.org");
}

TEST_F(mx_test, bounces_for_a_domain_that_does_not_exist_and_defers_while_dns_fails) {
  EXPECT_EQ(refusal_of_set("nowhere.example"), "550 5.1.2");
  dns.set_failure("MX broken.example", dns_status::temporary, "SERVFAIL for MX broken.example");
  EXPECT_EQ(refusal_of_set("broken.example"), "451 4.4.3");
  EXPECT_THAT(find_set("broken.example").error().answer.text, HasSubstr("SERVFAIL for MX broken.example"));
  dns.set_failure("MX forged.example", dns_status::bogus, "no signature");
  EXPECT_EQ(refusal_of_set("forged.example"), "451 4.4.3");
}

TEST_F(mx_test, bounces_for_what_is_no_domain_name) {
  EXPECT_EQ(refusal_of_set("a..b"), "550 5.1.2");
  EXPECT_TRUE(dns.asked.empty());
}

TEST_F(mx_test, asks_for_u_labels_as_a_labels) {
  dns.set_mx("xn--bcher-kva.example", {{10, "mx.example.org"}});
  EXPECT_EQ(find_set("bücher.example").value()->site_key, "mx:mx.example.org");
}

TEST_F(mx_test, leaves_out_exchanges_that_cannot_be_a_host) {
  dns.set_mx("example.org",
             {{1, "192.0.2.1"}, {2, "a b.example.org"}, {3, "localhost"}, {4, "1.2"}, {10, "mx.example.org"}});
  EXPECT_EQ(find_set("example.org").value()->site_key, "mx:mx.example.org");
  dns.set_mx("numbers.example", {{1, "192.0.2.1"}});
  EXPECT_EQ(refusal_of_set("numbers.example"), "550 5.4.4");
}

TEST_F(mx_test, keeps_a_repeated_exchange_at_its_best_preference) {
  dns.set_mx("example.org", {{20, "mx.example.org"}, {10, "MX.example.org"}, {10, "mx.example.org"}});
  const auto set = find_set("example.org").value();
  ASSERT_EQ(set->tiers.size(), 1U);
  EXPECT_EQ(set->tiers[0].preference, 10);
  EXPECT_THAT(set->tiers[0].exchanges, ElementsAre("mx.example.org"));
}

TEST_F(mx_test, keeps_the_best_twenty_exchanges) {
  std::vector<runtime::mx_record> records;
  for (std::uint16_t i = 30; i > 0; --i)
    records.push_back({i, "mx" + std::to_string(i) + ".example.org"});
  dns.set_mx("example.org", records);
  const auto set = find_set("example.org").value();
  ASSERT_EQ(set->tiers.size(), 20U);
  EXPECT_EQ(set->tiers.back().preference, 20);
}

TEST_F(mx_test, keeps_forty_addresses) {
  dns.set_mx("example.org", {{10, "one.example.org"}, {20, "two.example.org"}, {30, "three.example.org"}});
  std::vector<std::string> many;
  for (int i = 0; i < 30; ++i)
    many.push_back("192.0.2." + std::to_string(i));
  for (const auto* name : {"one.example.org", "two.example.org", "three.example.org"})
    dns.set_a(name, many);
  const auto hosts = find_hosts("example.org").value();
  ASSERT_EQ(hosts.size(), 2U);
  EXPECT_EQ(hosts[0].addresses.size(), 30U);
  EXPECT_EQ(hosts[1].addresses.size(), 10U);
}

TEST_F(mx_test, alternates_ipv6_and_ipv4) {
  dns.set_a("example.org", {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1"});
  dns.set_aaaa("example.org", {"2001:db8::1", "2001:db8::2"});
  EXPECT_THAT(find_hosts("example.org").value()[0].addresses,
              ElementsAre("2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "192.0.2.3"));
}

TEST_F(mx_test, asks_only_for_families_that_are_on) {
  options.ipv6 = false;
  dns.set_a("example.org", {"192.0.2.1"});
  dns.set_aaaa("example.org", {"2001:db8::1"});
  EXPECT_THAT(find_hosts("example.org").value()[0].addresses, ElementsAre("192.0.2.1"));
  EXPECT_THAT(dns.asked, ElementsAre("MX example.org", "A example.org"));
}

TEST_F(mx_test, asks_for_all_addresses_at_once) {
  dns.set_mx("example.org", {{10, "a.example.org"}, {20, "b.example.org"}});
  const auto set = find_set("example.org").value();
  dns.asked.clear();
  lookup().find_hosts(set, [](const hosts_result&) {});
  EXPECT_THAT(dns.asked,
              UnorderedElementsAre("A a.example.org", "AAAA a.example.org", "A b.example.org", "AAAA b.example.org"));
}

TEST_F(mx_test, goes_on_without_hosts_that_do_not_resolve) {
  dns.set_mx("example.org", {{10, "gone.example.org"}, {20, "broken.example.org"}, {30, "mx.example.org"}});
  dns.set_failure("A broken.example.org", dns_status::temporary, "SERVFAIL");
  dns.set_failure("AAAA broken.example.org", dns_status::temporary, "SERVFAIL");
  dns.set_a("mx.example.org", {"192.0.2.1"});
  EXPECT_THAT(names("example.org"), ElementsAre("mx.example.org"));
}

TEST_F(mx_test, needs_only_one_family_to_resolve) {
  dns.set_failure("AAAA example.org", dns_status::temporary, "SERVFAIL");
  dns.set_mx("example.org", {});
  dns.set_a("example.org", {"192.0.2.1"});
  EXPECT_THAT(names("example.org"), ElementsAre("example.org"));
}

TEST_F(mx_test, bounces_if_no_host_has_an_address_and_defers_if_one_may_have) {
  dns.set_mx("example.org", {{10, "gone.example.org"}, {20, "empty.example.org"}});
  dns.set_a("empty.example.org", {});
  EXPECT_EQ(refusal_of_hosts("example.org"), "550 5.4.4");
  dns.set_failure("A empty.example.org", dns_status::temporary, "SERVFAIL");
  EXPECT_EQ(refusal_of_hosts("example.org"), "450 4.4.3");
}

TEST_F(mx_test, stops_before_its_own_name) {
  options.own_names = {"MX2.Example.org."};
  dns.set_mx("example.org",
             {{10, "mx1.example.org"}, {20, "mx2.example.org"}, {20, "mx3.example.org"}, {30, "mx4.example.org"}});
  EXPECT_EQ(find_set("example.org").value()->site_key, "mx:mx1.example.org");
}

TEST_F(mx_test, bounces_mail_that_leads_back_to_its_own_name) {
  options.own_names = {"mx1.example.org", "implicit.example"};
  dns.set_mx("example.org", {{10, "mx1.example.org"}, {20, "mx2.example.org"}});
  dns.set_a("implicit.example", {"192.0.2.1"});
  EXPECT_EQ(refusal_of_set("example.org"), "554 5.4.6");
  EXPECT_EQ(refusal_of_set("implicit.example"), "554 5.4.6");
}

TEST_F(mx_test, stops_before_its_own_address) {
  options.own_addresses = {"192.0.2.2", "2001:DB8:0::2"};
  dns.set_mx("example.org", {{10, "mx1.example.org"}, {20, "mx2.example.org"}, {20, "mx3.example.org"}});
  dns.set_a("mx1.example.org", {"192.0.2.1"});
  dns.set_a("mx2.example.org", {"192.0.2.2"});
  dns.set_a("mx3.example.org", {"192.0.2.3"});
  EXPECT_THAT(names("example.org"), ElementsAre("mx1.example.org"));
  dns.set_aaaa("mx1.example.org", {"2001:db8::2"});
  EXPECT_EQ(refusal_of_hosts("example.org"), "554 5.4.6");
}

TEST_F(mx_test, defers_while_a_better_host_than_itself_cannot_be_looked_up) {
  options.own_addresses = {"192.0.2.2"};
  dns.set_mx("example.org", {{10, "mx1.example.org"}, {20, "mx2.example.org"}});
  dns.set_failure("A mx1.example.org", dns_status::temporary, "SERVFAIL");
  dns.set_a("mx2.example.org", {"192.0.2.2"});
  EXPECT_EQ(refusal_of_hosts("example.org"), "450 4.4.3");
}

TEST_F(mx_test, is_not_led_to_its_own_machine_by_dns) {
  dns.set_mx("name.example", {{10, "localhost"}});
  dns.set_mx("address.example", {{10, "mx.address.example"}});
  dns.set_a("mx.address.example", {"127.0.0.5", "0.0.0.0"});
  dns.set_aaaa("mx.address.example", {"::1", "::ffff:127.0.0.1"});
  EXPECT_EQ(refusal_of_set("name.example"), "554 5.4.6");
  dns.set_a("localhost", {"127.0.0.1"});
  EXPECT_EQ(refusal_of_set("localhost"), "554 5.4.6");
  EXPECT_EQ(refusal_of_hosts("address.example"), "554 5.4.6");
  dns.set_a("mx.address.example", {"127.0.0.5", "192.0.2.1"});
  EXPECT_THAT(find_hosts("address.example").value()[0].addresses, ElementsAre("192.0.2.1"));
}

TEST_F(mx_test, goes_to_loopback_where_that_is_allowed) {
  options.allow_loopback = true;
  options.ipv6 = false;
  dns.set_mx("name.example", {{10, "localhost"}});
  dns.set_a("localhost", {"127.0.0.1"});
  EXPECT_THAT(find_hosts("name.example").value()[0].addresses, ElementsAre("127.0.0.1"));
  EXPECT_THAT(find_hosts("[127.0.0.1]").value()[0].addresses, ElementsAre("127.0.0.1"));
}

TEST_F(mx_test, takes_an_address_literal_without_a_query) {
  EXPECT_EQ(find_set("[192.0.2.1]").value()->site_key, "mx:192.0.2.1");
  EXPECT_THAT(find_hosts("[192.0.2.1]").value()[0].addresses, ElementsAre("192.0.2.1"));
  EXPECT_THAT(find_hosts("[IPv6:2001:DB8::1]").value()[0].addresses, ElementsAre("2001:db8::1"));
  EXPECT_TRUE(dns.asked.empty());
}

TEST_F(mx_test, refuses_literals_that_lead_nowhere) {
  options.own_addresses = {"192.0.2.25"};
  options.ipv6 = false;
  EXPECT_EQ(refusal_of_set("[127.0.0.1]"), "554 5.4.6");
  EXPECT_EQ(refusal_of_set("[IPv6:::1]"), "554 5.4.6");
  EXPECT_EQ(refusal_of_set("[192.0.2.25]"), "554 5.4.6");
  EXPECT_EQ(refusal_of_set("[224.0.0.1]"), "550 5.4.4");
  EXPECT_EQ(refusal_of_set("[IPv6:2001:db8::1]"), "550 5.4.4");
  EXPECT_EQ(refusal_of_set("[nonsense]"), "550 5.1.3");
}

TEST_F(mx_test, calls_nobody_after_its_end) {
  dns.set_mx("example.org", {{10, "mx.example.org"}});
  const auto set = find_set("example.org").value();
  int calls = 0;
  lookup().find_set("example.org", [&](const set_result&) { ++calls; });
  lookup().find_hosts(set, [&](const hosts_result&) { ++calls; });
  lookup_.reset();
  dns.run();
  EXPECT_EQ(calls, 0);
}

TEST_F(mx_test, may_be_destroyed_by_a_handler) {
  dns.set_mx("example.org", {{10, "mx.example.org"}});
  int calls = 0;
  lookup().find_set("example.org", [&](const set_result&) {
    ++calls;
    lookup_.reset();
  });
  dns.run();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace gonets::delivery
