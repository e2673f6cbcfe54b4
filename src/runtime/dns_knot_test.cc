// The resolver against a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "runtime/dns.h"
#include "runtime/knot_test_support.h"

namespace gonets::runtime {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::string many_mx() {
  std::string lines;
  for (int i = 0; i < 100; ++i)
    lines += fmt::format("many MX {} exchange-with-a-long-name-{}.elsewhere.test.\n", i, i);
  return lines;
}

std::vector<knot_server::zone> zones() {
  return {
      {"example.test",
       "@ MX 20 Backup.Elsewhere.TEST.\n"
       "@ MX 10 mx\n"
       "null MX 0 .\n"
       "alias CNAME target\n"
       "target MX 5 mx\n"
       "outside CNAME www.elsewhere.test.\n"
       "dangling CNAME gone\n"
       "host A 192.0.2.1\n"
       "host A 192.0.2.2\n"
       "host AAAA 2001:db8::1\n"
       "odd MX 10 a\\.b\n"
       "*.wild MX 10 mx\n"
       "_25._tcp.host TLSA 3 1 1 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\n"
       "text TXT \"v=STSv1; \" \"id=1\"\n"
       "4.3 PTR Host.Example.TEST.\n" +
           many_mx()},
      {"elsewhere.test", "www MX 7 mx\n"},
      {"xn--80a1acny.xn--p1ai", "@ MX 10 mx\n"},
      {"broken.test", "@ MX not-a-number mx\n"},
  };
}

class dns_knot_test : public ::testing::Test {
 protected:
  std::string mx(std::string_view name) {
    const auto answer = ask(&resolver::query_mx, name);
    std::vector<std::string> texts;
    for (const auto& record : answer.mx)
      texts.push_back(fmt::format("{} {}", record.preference, record.exchange));
    std::sort(texts.begin(), texts.end());
    return fmt::format("{}", fmt::join(texts, ", "));
  }
  dns_answer ask(void (resolver::*query)(std::string_view, resolver::handler), std::string_view name) {
    std::optional<dns_answer> answer;
    (dns.get()->*query)(name, [&](dns_answer a) { answer = std::move(a); });
    while (!answer)
      shard.run_one();
    return *answer;
  }

  knot_server server{zones()};
  asio::io_context shard;
  std::unique_ptr<resolver> dns =
      make_unbound_resolver(shard, {.servers = {{"127.0.0.1", server.port()}}, .timeout = std::chrono::minutes(1)});
};

TEST_F(dns_knot_test, reads_mx_records) {
  const auto answer = ask(&resolver::query_mx, "Example.Test");
  EXPECT_EQ(answer.status, dns_status::ok);
  EXPECT_FALSE(answer.secure);
  EXPECT_GT(answer.ttl.count(), 0);
  EXPECT_LE(answer.ttl.count(), 300);
  EXPECT_EQ(mx("example.test."), "10 mx.example.test, 20 backup.elsewhere.test");
}

TEST_F(dns_knot_test, reads_addresses) {
  EXPECT_THAT(ask(&resolver::query_a, "host.example.test").addresses, UnorderedElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_THAT(ask(&resolver::query_aaaa, "host.example.test").addresses, ElementsAre("2001:db8::1"));
}

TEST_F(dns_knot_test, reads_tlsa_records) {
  const auto found = ask(&resolver::query_tlsa, "_25._tcp.host.example.test").tlsa;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(tls_policy::to_text(found[0]), "3 1 1 0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20");
}

TEST_F(dns_knot_test, joins_the_strings_of_a_text_record) {
  EXPECT_THAT(ask(&resolver::query_txt, "text.example.test").texts, ElementsAre("v=STSv1; id=1"));
}

TEST_F(dns_knot_test, reads_ptr_and_cname_records) {
  EXPECT_THAT(ask(&resolver::query_ptr, "4.3.example.test").names, ElementsAre("host.example.test"));
  EXPECT_THAT(ask(&resolver::query_cname, "alias.example.test").names, ElementsAre("target.example.test"));
  EXPECT_EQ(ask(&resolver::query_cname, "host.example.test").status, dns_status::no_data);
}

TEST_F(dns_knot_test, tells_where_cnames_lead) {
  EXPECT_EQ(ask(&resolver::query_mx, "alias.example.test").canonical, "target.example.test");
  EXPECT_EQ(ask(&resolver::query_a, "Host.example.test").canonical, "host.example.test");
}

TEST(dns_trust, validates_what_is_signed_and_only_that) {
  const std::vector<knot_server::zone> signed_zones = {
      {"signed.test", "@ MX 10 mx\nmx A 192.0.2.1\naway CNAME www.plain.test.\n", true},
      {"plain.test", "@ MX 10 mx\nwww A 192.0.2.2\n"},
      {"false.test", "@ MX 10 mx\n"},
  };
  knot_server server(signed_zones);
  const auto anchors = server.trust_anchors(signed_zones);
  std::ofstream(anchors, std::ios::app) << "false.test. DS 1 13 2 " << std::string(64, '0') << '\n';
  asio::io_context shard;
  const auto dns = make_unbound_resolver(
      shard,
      {.servers = {{"127.0.0.1", server.port()}}, .trust_anchor_file = anchors, .timeout = std::chrono::minutes(1)});
  const auto ask = [&](void (resolver::*query)(std::string_view, resolver::handler), std::string_view name) {
    std::optional<dns_answer> answer;
    (dns.get()->*query)(name, [&](dns_answer a) { answer = std::move(a); });
    while (!answer)
      shard.run_one();
    return *answer;
  };
  EXPECT_TRUE(ask(&resolver::query_mx, "signed.test").secure);
  EXPECT_TRUE(ask(&resolver::query_tlsa, "_25._tcp.mx.signed.test").secure);  // of their absence
  EXPECT_FALSE(ask(&resolver::query_mx, "plain.test").secure);
  EXPECT_EQ(ask(&resolver::query_a, "away.signed.test").status, dns_status::ok);
  EXPECT_FALSE(ask(&resolver::query_a, "away.signed.test").secure);
  EXPECT_TRUE(ask(&resolver::query_cname, "away.signed.test").secure);
  const auto forged = ask(&resolver::query_mx, "false.test");
  EXPECT_EQ(forged.status, dns_status::bogus);
  EXPECT_THAT(forged.detail, HasSubstr("DNSSEC"));
}

TEST(dns_trust, needs_a_file_that_is_there) {
  asio::io_context shard;
  EXPECT_THROW(make_unbound_resolver(shard, {.trust_anchor_file = "/nowhere/anchors"}), std::runtime_error);
}

TEST_F(dns_knot_test, tells_a_null_mx) {
  const auto answer = ask(&resolver::query_mx, "null.example.test");
  EXPECT_EQ(answer.status, dns_status::ok);
  ASSERT_EQ(answer.mx.size(), 1U);
  EXPECT_EQ(answer.mx[0].exchange, "");
}

TEST_F(dns_knot_test, follows_cnames) {
  EXPECT_EQ(mx("alias.example.test"), "5 mx.example.test");
  EXPECT_EQ(mx("outside.example.test"), "7 mx.elsewhere.test");
}

TEST_F(dns_knot_test, tells_no_data_from_no_such_name) {
  const auto no_data = ask(&resolver::query_mx, "host.example.test");
  EXPECT_EQ(no_data.status, dns_status::no_data);
  EXPECT_GT(no_data.ttl.count(), 0);
  EXPECT_LE(no_data.ttl.count(), 300);
  EXPECT_EQ(no_data.detail, "no MX host.example.test.");
  EXPECT_EQ(ask(&resolver::query_mx, "nowhere.example.test").status, dns_status::no_such_name);
  EXPECT_EQ(ask(&resolver::query_mx, "dangling.example.test").status, dns_status::no_such_name);
}

TEST_F(dns_knot_test, tells_of_a_broken_zone_as_temporary) {
  const auto answer = ask(&resolver::query_mx, "broken.test");
  EXPECT_EQ(answer.status, dns_status::temporary);
  EXPECT_THAT(answer.detail, HasSubstr("SERVFAIL"));
}

TEST_F(dns_knot_test, tells_of_a_refusing_server_as_temporary) {
  EXPECT_EQ(ask(&resolver::query_mx, "not-served.test").status, dns_status::temporary);
}

TEST_F(dns_knot_test, asks_for_u_labels) {
  EXPECT_EQ(mx("почта.рф"), "10 mx.xn--80a1acny.xn--p1ai");
}

TEST_F(dns_knot_test, escapes_an_exchange_that_is_no_host_name) {
  EXPECT_EQ(mx("odd.example.test"), "10 a\\046b.example.test");
}

TEST_F(dns_knot_test, turns_to_tcp_for_a_large_answer) {
  EXPECT_EQ(ask(&resolver::query_mx, "many.example.test").mx.size(), 100U);
}

TEST_F(dns_knot_test, answers_from_its_cache_after_the_server_has_gone) {
  EXPECT_EQ(ask(&resolver::query_mx, "example.test").status, dns_status::ok);
  server.stop();
  EXPECT_EQ(ask(&resolver::query_mx, "example.test").status, dns_status::ok);
}

TEST_F(dns_knot_test, answers_thousands_of_queries_at_once) {
  int answered = 0;
  for (int i = 0; i < 5000; ++i) {
    dns->query_mx(fmt::format("n{}.wild.example.test", i),
                  [&](const dns_answer& answer) { answered += answer.status == dns_status::ok ? 1 : 1'000'000; });
  }
  while (answered < 5000)
    shard.run_one();
  EXPECT_EQ(answered, 5000);
}

TEST_F(dns_knot_test, ends_cleanly_with_thousands_of_queries_in_flight) {
  int answered = 0;
  for (int i = 0; i < 5000; ++i) {
    dns->query_mx(fmt::format("n{}.wild.example.test", i), [&](const dns_answer&) {
      if (++answered == 100) dns.reset();
    });
  }
  shard.run();
  EXPECT_EQ(answered, 100);
}

}  // namespace
}  // namespace gonets::runtime
