#include "tls_policy/dane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gonets::tls_policy {
namespace {

using ::testing::ElementsAre;
using namespace std::string_literals;

tlsa_record record(std::uint8_t usage, std::uint8_t selector, std::uint8_t matching, std::size_t bytes) {
  return {usage, selector, matching, std::string(bytes, 'x')};
}

TEST(Dane, reads_a_record) {
  const auto r = parse_tlsa("\x03\x01\x01\xab\xcd"s);
  ASSERT_TRUE(r);
  EXPECT_EQ(to_text(*r), "3 1 1 ABCD");
  EXPECT_FALSE(parse_tlsa("\x03\x01\x01"s));
  EXPECT_FALSE(parse_tlsa(""));
}

TEST(Dane, uses_records_of_the_usages_2_and_3_only) {
  EXPECT_FALSE(usable(record(0, 1, 1, 32)));
  EXPECT_FALSE(usable(record(1, 1, 1, 32)));
  EXPECT_TRUE(usable(record(2, 0, 1, 32)));
  EXPECT_TRUE(usable(record(3, 1, 1, 32)));
  EXPECT_FALSE(usable(record(4, 1, 1, 32)));
  EXPECT_FALSE(usable(record(255, 1, 1, 32)));
}

TEST(Dane, uses_no_record_with_an_unknown_selector_or_matching_type_or_a_digest_of_another_length) {
  EXPECT_TRUE(usable(record(3, 0, 2, 64)));
  EXPECT_TRUE(usable(record(3, 0, 0, 900)));
  EXPECT_FALSE(usable(record(3, 2, 1, 32)));
  EXPECT_FALSE(usable(record(3, 1, 3, 32)));
  EXPECT_FALSE(usable(record(3, 1, 1, 31)));
  EXPECT_FALSE(usable(record(3, 1, 2, 32)));
}

TEST(Dane, of_several_records_the_usable_ones_count) {
  const auto found = judge({record(0, 1, 1, 32), record(3, 1, 1, 32)}, "mx.example.com");
  EXPECT_EQ(found.finding, tlsa_finding::usable);
  EXPECT_THAT(found.records, ElementsAre(record(3, 1, 1, 32)));
  EXPECT_EQ(found.base, "mx.example.com");
}

TEST(Dane, records_none_of_which_is_usable_are_not_the_same_as_none) {
  EXPECT_EQ(judge({record(1, 1, 1, 32)}, "mx").finding, tlsa_finding::unusable);
  EXPECT_EQ(judge({}, "mx").finding, tlsa_finding::none);
}

TEST(Dane, looks_below_the_port_of_the_host) {
  EXPECT_EQ(tlsa_name("mx.example.com", 25), "_25._tcp.mx.example.com");
}

}  // namespace
}  // namespace gonets::tls_policy
