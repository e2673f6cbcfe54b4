#include "delivery/host_address.h"

#include <gtest/gtest.h>

namespace gonets::delivery {
namespace {

TEST(host_address, gives_equal_addresses_equal_texts) {
  EXPECT_EQ(parse_host_address("2001:DB8:0:0::1")->text, "2001:db8::1");
  EXPECT_EQ(parse_host_address("::ffff:192.0.2.1")->text, "192.0.2.1");
  EXPECT_FALSE(parse_host_address("::ffff:192.0.2.1")->is_ipv6);
  EXPECT_TRUE(parse_host_address("2001:db8::1")->is_ipv6);
}

TEST(host_address, knows_this_machine_and_what_is_nobodys) {
  for (const std::string_view text :
       {"127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "::1", "::", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(parse_host_address(text)->reach, address_reach::loopback) << text;
  }
  for (const std::string_view text : {"224.0.0.1", "255.255.255.255", "169.254.1.1", "ff02::1", "fe80::1"}) {
    EXPECT_EQ(parse_host_address(text)->reach, address_reach::none) << text;
  }
  for (const std::string_view text : {"192.0.2.1", "10.0.0.1", "2001:db8::1", "::2", "fd00::1"}) {
    EXPECT_EQ(parse_host_address(text)->reach, address_reach::host) << text;
  }
}

TEST(host_address, refuses_what_is_no_address) {
  for (const std::string_view text : {"", "1.2.3", "1.2.3.256", "example.org", "2001:db8:::1", "fe80::1%eth0",
                                      "1111111111111111111111111111111111111111111111111"}) {
    EXPECT_FALSE(parse_host_address(text)) << text;
  }
  EXPECT_FALSE(parse_host_address(std::string_view("1.2.3.4\0", 8)));
}

TEST(host_address, reads_literals) {
  EXPECT_EQ(parse_address_literal("[192.0.2.1]")->text, "192.0.2.1");
  EXPECT_EQ(parse_address_literal("[IPv6:2001:db8::1]")->text, "2001:db8::1");
  EXPECT_EQ(parse_address_literal("[ipv6:2001:db8::1]")->text, "2001:db8::1");
}

TEST(host_address, refuses_other_literals) {
  for (const std::string_view text :
       {"", "[", "[]", "192.0.2.1", "[192.0.2.1", "[2001:db8::1]", "[IPv6:]", "[IPv6:192.0.2.1]", "[x-tag:y]"}) {
    EXPECT_FALSE(parse_address_literal(text)) << text;
  }
}

}  // namespace
}  // namespace gonets::delivery
