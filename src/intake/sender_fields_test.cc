#include "intake/sender_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gonets::intake {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(sender_fields, are_read_from_the_header) {
  const auto found = read_sender_fields(
      "From: a@b.test\r\nX-Gonets-Campaign: Autumn 2026\r\nx-gonets-tag: welcome, beta\r\nX-GONETS-TAG: eu\r\n"
      "X-Gonets-Egress: bulk\r\nX-Gonets-Tag: beta\r\nX-Gonets-Colour: red\r\n\r\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->campaign, "Autumn 2026");
  EXPECT_THAT(found->tags, ElementsAre("welcome", "beta", "eu"));
  EXPECT_EQ(found->egress, "bulk");
}

TEST(sender_fields, may_be_folded_and_absent) {
  const auto folded = read_sender_fields("X-Gonets-Tag:\r\n one,\r\n two\r\n\r\n");
  ASSERT_TRUE(folded);
  EXPECT_THAT(folded->tags, ElementsAre("one", "two"));
  const auto none = read_sender_fields("From: a@b.test\r\n\r\nX-Gonets-Tag: in the body\r\n");
  ASSERT_TRUE(none);
  EXPECT_THAT(none->tags, IsEmpty());
}

TEST(sender_fields, may_ask_to_ignore_the_suppression_list) {
  EXPECT_TRUE(read_sender_fields("X-Gonets-Ignore-Suppression: Yes\r\n\r\n")->ignore_suppression);
  EXPECT_FALSE(read_sender_fields("X-Gonets-Ignore-Suppression: no\r\n\r\n")->ignore_suppression);
  EXPECT_FALSE(read_sender_fields("X-Gonets-Tag: a\r\n\r\n")->ignore_suppression);
}

TEST(sender_fields, may_say_what_is_tracked) {
  const auto track = [](const std::string& value) {
    const auto found = read_sender_fields("X-Gonets-Track: " + value + "\r\n\r\n");
    return found ? found->track : std::nullopt;
  };
  EXPECT_EQ(track("none"), (track_wish{false, false}));
  EXPECT_EQ(track("opens"), (track_wish{true, false}));
  EXPECT_EQ(track(" Clicks"), (track_wish{false, true}));
  EXPECT_EQ(track("opens, clicks"), (track_wish{true, true}));
  EXPECT_EQ(read_sender_fields("Subject: x\r\n\r\n")->track, std::nullopt);
  for (const auto* wrong : {"", "yes", "opens,", "opens clicks", "none, opens"}) {
    const auto found = read_sender_fields(std::string("X-Gonets-Track: ") + wrong + "\r\n\r\n");
    ASSERT_FALSE(found) << wrong;
    EXPECT_THAT(found.error(), HasSubstr("X-Gonets-Track: opens, clicks")) << wrong;
  }
  EXPECT_FALSE(read_sender_fields("X-Gonets-Track: none\r\nX-Gonets-Track: opens\r\n\r\n"));
}

TEST(sender_fields, say_what_is_wrong_with_them) {
  const auto error_of = [](const std::string& header) {
    const auto found = read_sender_fields(header + "\r\n\r\n");
    return found ? std::string() : found.error();
  };
  EXPECT_THAT(error_of("X-Gonets-Campaign:"), HasSubstr("X-Gonets-Campaign: 1 to 64 printable"));
  EXPECT_THAT(error_of("X-Gonets-Campaign: a\r\nX-Gonets-Campaign: b"), HasSubstr("is there twice"));
  EXPECT_THAT(error_of("X-Gonets-Campaign: a\r\n b"), HasSubstr("printable")) << "a fold is no name";
  EXPECT_THAT(error_of("X-Gonets-Egress: " + std::string(65, 'x')), HasSubstr("X-Gonets-Egress"));
  EXPECT_THAT(error_of("X-Gonets-Tag: a,,b"), HasSubstr("X-Gonets-Tag"));
  EXPECT_THAT(error_of("X-Gonets-Ignore-Suppression: maybe"), HasSubstr("yes or no is expected"));
  EXPECT_THAT(error_of("X-Gonets-Ignore-Suppression: no\r\nX-Gonets-Ignore-Suppression: yes"), HasSubstr("twice"));
  EXPECT_THAT(error_of("X-Gonets-Tag: \xd0\xb0"), HasSubstr("printable"));
  EXPECT_THAT(error_of("X-Gonets-Tag: 1,2,3,4,5,6,7,8,9"), HasSubstr("more than 8 tags"));
}

}  // namespace
}  // namespace gonets::intake
