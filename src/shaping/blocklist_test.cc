#include "shaping/blocklist.h"

#include <gtest/gtest.h>

namespace gonets::shaping {
namespace {

TEST(blocklist, looks_an_ipv4_address_up_with_its_octets_reversed) {
  EXPECT_EQ(blocklist_name("192.0.2.99", "bad.example.com"), "99.2.0.192.bad.example.com");  // RFC 5782 2.1
  EXPECT_EQ(blocklist_name(blocklist_test_listed(false), "bad.example.com"), "2.0.0.127.bad.example.com");
}

TEST(blocklist, looks_an_ipv6_address_up_by_nibbles) {
  EXPECT_EQ(blocklist_name("2001:db8:1:2:3:4:567:89ab", "ugly.example.com"),  // RFC 5782 2.4
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ugly.example.com");
  EXPECT_EQ(blocklist_name(blocklist_test_listed(true), "z.example"),
            "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.z.example");
}

TEST(blocklist, has_no_name_for_what_is_no_address) {
  EXPECT_FALSE(blocklist_name("mail.example.com", "z.example"));
  EXPECT_FALSE(blocklist_name("", "z.example"));
}

TEST(blocklist, takes_only_loopback_answers_for_a_listing) {
  EXPECT_EQ(listing_of({}), listing::clean);
  EXPECT_EQ(listing_of({"127.0.0.2"}), listing::listed);
  EXPECT_EQ(listing_of({"127.0.0.4", "127.0.0.10"}), listing::listed);
  EXPECT_EQ(listing_of({"198.51.100.7"}), listing::unknown);  // a parked domain
  EXPECT_EQ(listing_of({"127.0.0.2", "198.51.100.7"}), listing::unknown);
}

TEST(blocklist, takes_a_refusal_to_answer_for_no_listing) {
  for (const char* refusal : {"127.255.255.252", "127.255.255.254", "127.255.255.255"})
    EXPECT_EQ(listing_of({refusal}), listing::unknown) << refusal;
  EXPECT_EQ(listing_of({"127.255.254.1"}), listing::listed);
}

TEST(blocklist, knows_which_addresses_no_list_has) {
  for (const char* inside : {"10.1.2.3", "127.0.0.5", "192.168.0.1", "172.31.0.1", "100.64.3.4", "169.254.0.1", "::1",
                             "fd00::1", "fe80::1", "224.0.0.1", "no address"})
    EXPECT_FALSE(is_public(inside)) << inside;
  for (const char* outside : {"192.0.2.1", "8.8.8.8", "172.32.0.1", "2001:db8::1"})
    EXPECT_TRUE(is_public(outside)) << outside;
}

}  // namespace
}  // namespace gonets::shaping
