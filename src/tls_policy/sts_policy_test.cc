#include "tls_policy/sts_policy.h"

#include <gtest/gtest.h>

namespace gonets::tls_policy {
namespace {

TEST(StsPolicy, allows_the_hosts_that_it_names) {
  const sts_policy policy{.mode = sts_mode::enforce, .mx = {"mx.example.com", "*.example.net"}};
  EXPECT_TRUE(allows(policy, "mx.example.com"));
  EXPECT_FALSE(allows(policy, "mx2.example.com"));
  EXPECT_FALSE(allows(policy, "a.mx.example.com"));
}

TEST(StsPolicy, a_wildcard_stands_for_one_label) {
  const sts_policy policy{.mode = sts_mode::enforce, .mx = {"*.example.net"}};
  EXPECT_TRUE(allows(policy, "a.example.net"));
  EXPECT_FALSE(allows(policy, "example.net"));
  EXPECT_FALSE(allows(policy, "a.b.example.net"));
  EXPECT_FALSE(allows(policy, ".example.net"));
  EXPECT_FALSE(allows(policy, "a.example.net.evil.test"));
}

}  // namespace
}  // namespace gonets::tls_policy
