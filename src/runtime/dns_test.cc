#include "runtime/dns.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <optional>

namespace gonets::runtime {
namespace {

namespace asio = boost::asio;
using udp = asio::ip::udp;

// A resolver whose only server never replies.
struct silent_server {
  asio::io_context shard;
  udp::socket socket{shard, udp::endpoint(asio::ip::address_v4::loopback(), 0)};
  dns_options options{.servers = {{"127.0.0.1", socket.local_endpoint().port()}}, .timeout = std::chrono::hours(1)};
};

TEST(dns_resolver, ends_a_query_that_no_server_answers_as_temporary) {
  silent_server peer;
  peer.options.timeout = std::chrono::milliseconds(20);
  const auto dns = make_unbound_resolver(peer.shard, peer.options);
  std::optional<dns_answer> answer;
  dns->query_mx("example.org", [&](dns_answer a) { answer = std::move(a); });
  while (!answer)
    peer.shard.run_one();
  EXPECT_EQ(answer->status, dns_status::temporary);
  EXPECT_EQ(answer->detail, "no answer for MX example.org within 20 ms");
}

TEST(dns_resolver, refuses_at_once_beyond_the_cap_in_flight_but_not_before_the_call_returns) {
  silent_server peer;
  peer.options.in_flight_max = 1;
  const auto dns = make_unbound_resolver(peer.shard, peer.options);
  std::optional<dns_answer> first;
  std::optional<dns_answer> second;
  dns->query_mx("one.example.org", [&](dns_answer a) { first = std::move(a); });
  dns->query_mx("two.example.org", [&](dns_answer a) { second = std::move(a); });
  EXPECT_FALSE(second);
  while (!second)
    peer.shard.run_one();
  EXPECT_FALSE(first);
  EXPECT_EQ(second->status, dns_status::temporary);
  EXPECT_EQ(second->detail, "too many DNS queries in flight");
}

TEST(dns_resolver, says_that_what_is_no_name_does_not_exist) {
  silent_server peer;
  const auto dns = make_unbound_resolver(peer.shard, peer.options);
  std::optional<dns_answer> answer;
  dns->query_mx("a..b", [&](dns_answer a) { answer = std::move(a); });
  EXPECT_FALSE(answer);
  while (!answer)
    peer.shard.run_one();
  EXPECT_EQ(answer->status, dns_status::no_such_name);
}

TEST(dns_resolver, runs_no_handler_after_its_end) {
  silent_server peer;
  peer.options.timeout = std::chrono::milliseconds(1);
  auto dns = make_unbound_resolver(peer.shard, peer.options);
  int calls = 0;
  dns->query_mx("example.org", [&](const dns_answer&) { ++calls; });
  dns->query_a("not a name", [&](const dns_answer&) { ++calls; });
  dns.reset();
  peer.shard.run();
  EXPECT_EQ(calls, 0);
}

TEST(dns_resolver, may_be_destroyed_by_a_handler) {
  silent_server peer;
  auto dns = make_unbound_resolver(peer.shard, peer.options);
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    dns->query_a("not a name", [&](const dns_answer&) {
      ++calls;
      dns.reset();
    });
  }
  peer.shard.run();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace gonets::runtime
