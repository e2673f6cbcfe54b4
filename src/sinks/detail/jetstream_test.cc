#include "sinks/detail/jetstream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gonets::sinks::detail {
namespace {

using testing::HasSubstr;

TEST(jetstream, knows_which_subjects_a_pattern_covers) {
  EXPECT_TRUE(covers_subject("gonets.events", "gonets.events"));
  EXPECT_TRUE(covers_subject("gonets.*", "gonets.events"));
  EXPECT_TRUE(covers_subject("gonets.>", "gonets.events.bounced"));
  EXPECT_TRUE(covers_subject(">", "gonets"));
  EXPECT_TRUE(covers_subject("gonets.events.*", "gonets.events.*"));
  EXPECT_TRUE(covers_subject("gonets.>", "gonets.events.*"));
  EXPECT_FALSE(covers_subject("gonets.events.bounced", "gonets.events.*")) << "other kinds would be lost";
  EXPECT_FALSE(covers_subject("gonets.>", "gonets"));
  EXPECT_FALSE(covers_subject("gonets.events", "gonets"));
  EXPECT_FALSE(covers_subject("gonets", "gonets.events"));
  EXPECT_FALSE(covers_subject("gonets.*", "gonets.events.bounced"));
  EXPECT_FALSE(covers_subject("", "gonets"));
}

TEST(jetstream, puts_the_kind_into_the_subject) {
  EXPECT_EQ(subject_for("gonets.{kind}", "bounced"), "gonets.bounced");
  EXPECT_EQ(subject_for("gonets.events", "bounced"), "gonets.events");
}

TEST(jetstream, takes_no_answer_for_an_acknowledgment_but_one) {
  EXPECT_TRUE(read_publish_ack(R"({"stream":"EVENTS","seq":4})"));
  EXPECT_TRUE(read_publish_ack(R"({"stream":"EVENTS","seq":4,"duplicate":true})"));
  const auto full =
      read_publish_ack(R"({"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"}})");
  EXPECT_EQ(full.error(), "maximum bytes exceeded");
  EXPECT_FALSE(read_publish_ack(R"({"error":7})"));
  EXPECT_FALSE(read_publish_ack("[]"));
  EXPECT_FALSE(read_publish_ack("{}"));
  EXPECT_FALSE(read_publish_ack(""));
  EXPECT_THAT(read_publish_ack("+OK").error(), HasSubstr("no JSON"));
}

}  // namespace
}  // namespace gonets::sinks::detail
