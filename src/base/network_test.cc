#include "base/network.h"

#include <gtest/gtest.h>

namespace gonets {
namespace {

bool contains(const char* net, const char* address) {
  return parse_network(net).value().contains(parse_address(address).value());
}

TEST(network, keeps_ipv4_as_mapped_ipv6) {
  EXPECT_EQ(parse_address("10.1.2.3"), parse_address("::ffff:10.1.2.3"));
  EXPECT_EQ(parse_network("10.0.0.0/8"), parse_network("::ffff:10.0.0.0/104"));
}

TEST(network, contains_what_shares_its_prefix) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.200"));
  EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(network, contains_all_of_a_family_at_prefix_zero) {
  EXPECT_TRUE(contains("0.0.0.0/0", "255.1.1.1"));
  EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
  EXPECT_TRUE(contains("::/0", "::1"));
  EXPECT_TRUE(contains("::/0", "10.0.0.1"));
}

TEST(network, takes_a_lone_address_for_a_network_of_one) {
  EXPECT_TRUE(contains("::1", "::1"));
  EXPECT_FALSE(contains("::1", "::2"));
  EXPECT_TRUE(contains("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(contains("127.0.0.1", "127.0.0.2"));
}

TEST(network, refuses_what_is_no_network) {
  for (const char* wrong : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1/8", "10/8",
                            "::1/129", "2001:db8::1/64", "[::1]", "localhost", "fe80::1%eth0"}) {
    EXPECT_FALSE(parse_network(wrong)) << wrong;
  }
  EXPECT_FALSE(parse_network(std::string_view("10.0.0.1\0", 9)));
}

TEST(network, reads_back_what_it_writes) {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "127.0.0.1", "::1", "::/0", "2001:db8::/32"}) {
    EXPECT_EQ(to_text(parse_network(text).value()), text);
  }
}

TEST(network, covers_networks_within_itself_only) {
  const auto net = [](const char* text) { return parse_network(text).value(); };
  EXPECT_TRUE(covers(net("10.0.0.0/8"), net("10.1.0.0/16")));
  EXPECT_TRUE(covers(net("10.0.0.0/8"), net("10.0.0.0/8")));
  EXPECT_FALSE(covers(net("10.1.0.0/16"), net("10.0.0.0/8")));
  EXPECT_TRUE(covers(net("::/0"), net("0.0.0.0/0")));
}

TEST(network, knows_loopback_of_both_families) {
  EXPECT_TRUE(is_loopback(*parse_address("127.9.9.9")));
  EXPECT_TRUE(is_loopback(*parse_address("::1")));
  EXPECT_FALSE(is_loopback(*parse_address("10.0.0.1")));
  EXPECT_FALSE(is_loopback(*parse_address("::")));
}

TEST(endpoint, is_an_address_and_a_port) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:25"), (endpoint{"127.0.0.1", 25}));
  EXPECT_EQ(parse_endpoint("[::1]:0"), (endpoint{"::1", 0}));
  for (const char* wrong : {"", ":25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:25", "[::1]",
                            "[127.0.0.1]:25", "localhost:25", "127.0.0.1:+25", "127.0.0.1: 25"}) {
    EXPECT_FALSE(parse_endpoint(wrong)) << wrong;
  }
}

TEST(endpoint, is_written_with_brackets_around_ipv6_only) {
  EXPECT_EQ(to_text(endpoint{"::1", 25}), "[::1]:25");
  EXPECT_EQ(to_text(endpoint{"10.0.0.1", 25}), "10.0.0.1:25");
}

}  // namespace
}  // namespace gonets
