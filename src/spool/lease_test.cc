#include "spool/lease.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gonets::spool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(lookup_name, is_a_domain_alone_or_with_marks_in_any_combination) {
  const auto plain = parse_lookup_name("a.example");
  EXPECT_EQ(plain.domain, "a.example");
  EXPECT_FALSE(plain.require_tls || plain.tls_optional || plain.slot);
  EXPECT_THAT(plain.refused, IsEmpty());

  EXPECT_TRUE(parse_lookup_name("a.example;requiretls").require_tls);
  EXPECT_TRUE(parse_lookup_name("a.example;tls-optional").tls_optional);
  const auto both = parse_lookup_name("a.example;requiretls;egress=bulk#37");
  EXPECT_EQ(both.domain, "a.example");
  EXPECT_TRUE(both.require_tls);
  EXPECT_EQ(both.wanted_egress, "bulk");
  EXPECT_EQ(both.slot, 37u);
}

TEST(lookup_name, tells_which_egresses_were_refused) {
  const auto found = parse_lookup_name("a.example;egress=bulk#0!a!b");
  EXPECT_EQ(found.slot, 0u);
  EXPECT_THAT(found.refused, ElementsAre("a", "b"));
  const auto usual = parse_lookup_name("a.example;egress=#!a");
  EXPECT_EQ(usual.wanted_egress, "");
  EXPECT_FALSE(usual.slot);
  EXPECT_THAT(usual.refused, ElementsAre("a"));
  EXPECT_EQ(parse_lookup_name("a.example;egress=a").wanted_egress, "a");
}

TEST(lookup_name, keeps_the_domain_of_what_is_no_mark) {
  EXPECT_EQ(parse_lookup_name("a.example;;x").domain, "a.example");
  EXPECT_EQ(parse_lookup_name("[192.0.2.1];egress=a#1").domain, "[192.0.2.1]");
  EXPECT_EQ(parse_lookup_name("").domain, "");
}

}  // namespace
}  // namespace gonets::spool
