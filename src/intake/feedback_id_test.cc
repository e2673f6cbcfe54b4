#include "intake/feedback_id.h"

#include <gtest/gtest.h>

namespace gonets::intake {
namespace {

const message::verp_signer signer({}, message::verp_purpose::feedback_id);
const message::verp some{message_id{0x123456789abcdef}, recipient_index{0}};

std::string field(const feedback_groups& groups, const std::optional<message::verp>& of = {}) {
  std::string made;
  append_feedback_id(made, signer, of, groups);
  return made;
}

TEST(feedback_id, has_three_groups_and_the_sender) {
  EXPECT_EQ(field({"spring", "bulk", "shop"}), "Feedback-ID: spring:bulk:shop:gonets\r\n");
  EXPECT_EQ(field({"", "bulk", "default"}), "Feedback-ID: :bulk:default:gonets\r\n");
}

TEST(feedback_id, has_the_token_before_what_is_added_up) {
  const auto made = field({"spring", "bulk", "shop"}, some);
  EXPECT_EQ(made, "Feedback-ID: " + signer.token(some) + ":spring:bulk:shop:gonets\r\n");
  EXPECT_EQ(signer.find_in(made), some);
}

TEST(feedback_id, is_not_broken_by_a_name_and_tells_changed_names_apart) {
  const auto one = field({"a:b", "bulk", "shop"}), other = field({"a;b", "bulk", "shop"});
  EXPECT_NE(one, other);
  for (const auto& made : {one, field({std::string(300, ' '), "bulk", "shop"})}) {
    EXPECT_EQ(std::count(made.begin(), made.end(), ':'), 4) << made;
    EXPECT_LT(made.size(), 100u);
  }
}

}  // namespace
}  // namespace gonets::intake
