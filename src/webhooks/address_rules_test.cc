#include "webhooks/address_rules.h"

#include <gtest/gtest.h>

#include <vector>

namespace gonets::webhooks {
namespace {

address_bytes at(std::string_view text) {
  return parse_address(text).value();
}

TEST(webhook_addresses, those_of_the_internet_are_free) {
  for (const auto* text : {"8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
                           "2a00:1450::1", "64:ff9b::808:808", "2002:808:808::1"})
    EXPECT_FALSE(is_special(at(text))) << text;
}

TEST(webhook_addresses, private_ones_are_not_in_whatever_clothes) {
  for (const auto* text : {"127.0.0.1",
                           "127.9.9.9",
                           "10.0.0.1",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "169.254.169.254",
                           "100.64.0.1",
                           "0.0.0.0",
                           "0.1.2.3",
                           "224.0.0.1",
                           "255.255.255.255",
                           "198.18.0.1",
                           "::",
                           "::1",
                           "::127.0.0.1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "fe80::1",
                           "fc00::1",
                           "fd12::1",
                           "ff02::1",
                           "64:ff9b::a00:1",
                           "64:ff9b::7f00:1",
                           "64:ff9b:1::1",
                           "2002:a00:1::1",
                           "2002:7f00:1::",
                           "2001:db8::1",
                           "2001::1"})
    EXPECT_TRUE(is_special(at(text))) << text;
}

TEST(webhook_addresses, what_the_operator_allows_is_allowed_also_without_tls) {
  const std::vector<network> allowed{parse_network("127.0.0.0/8").value(), parse_network("2606:4700::/32").value()};
  EXPECT_EQ(refuse_address(at("127.0.0.1"), false, allowed), "");
  EXPECT_EQ(refuse_address(at("2606:4700::1111"), false, allowed), "");
  EXPECT_NE(refuse_address(at("10.0.0.1"), true, allowed), "");
  EXPECT_NE(refuse_address(at("::1"), true, allowed), "");
  EXPECT_EQ(refuse_address(at("8.8.8.8"), true, allowed), "");
  EXPECT_NE(refuse_address(at("8.8.8.8"), false, allowed), "");
}

}  // namespace
}  // namespace gonets::webhooks
