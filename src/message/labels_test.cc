#include "message/labels.h"

#include <gmock/gmock.h>

#include <vector>

namespace gonets::message {
namespace {
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(labels, say_what_they_were_made_of) {
  const std::vector<std::string> tags{"welcome", "beta"};
  const auto both = join_labels("autumn", tags);
  EXPECT_EQ(campaign_of(both), "autumn");
  EXPECT_THAT(tags_of(both), ElementsAre("welcome", "beta"));
  EXPECT_TRUE(has_tag(both, "welcome"));
  EXPECT_TRUE(has_tag(both, "beta"));
  EXPECT_FALSE(has_tag(both, "autumn"));
  EXPECT_FALSE(has_tag(both, "bet"));
  const auto tagged = join_labels("", tags);
  EXPECT_EQ(campaign_of(tagged), "");
  EXPECT_THAT(tags_of(tagged), ElementsAre("welcome", "beta"));
  EXPECT_THAT(tags_of("autumn"), IsEmpty());
  EXPECT_TRUE(has_tag(tagged, "beta"));
  EXPECT_EQ(join_labels("", {}), "");
  EXPECT_FALSE(has_tag("", ""));
}

}  // namespace
}  // namespace gonets::message
