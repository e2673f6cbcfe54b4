#include "spool/labels.h"

#include <gtest/gtest.h>

#include <vector>

namespace gonets::spool {
namespace {

TEST(labels, say_what_they_were_made_of) {
  const std::vector<std::string> tags{"welcome", "beta"};
  const auto both = join_labels("autumn", tags);
  EXPECT_TRUE(is_of_campaign(both, "autumn"));
  EXPECT_FALSE(is_of_campaign(both, "aut"));
  EXPECT_TRUE(has_tag(both, "welcome"));
  EXPECT_TRUE(has_tag(both, "beta"));
  EXPECT_FALSE(has_tag(both, "autumn"));
  EXPECT_FALSE(has_tag(both, "bet"));
  const auto tagged = join_labels("", tags);
  EXPECT_FALSE(is_of_campaign(tagged, "autumn"));
  EXPECT_TRUE(has_tag(tagged, "beta"));
  EXPECT_EQ(join_labels("", {}), "");
  EXPECT_FALSE(has_tag("", ""));
}

}  // namespace
}  // namespace gonets::spool
