#include "smtp/client_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/dialogue_test_support.h"

namespace gonets::smtp {
namespace {

using testing::dialogue;
using ::testing::ElementsAre;
using testing::outgoing;

TEST(ClientSession, delivers_one_message_in_one_round_trip_of_commands) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .hello("PIPELINING,SIZE 1000000")
                          .mail("250 2.1.0 Ok")
                          .rcpt("250 2.1.5 Ok")
                          .data("354 go ahead")
                          .expect_body()
                          .reply("250 2.0.0 queued as 1")
                          .quit()
                          .check_cut_everywhere();
  ASSERT_EQ(result.outcomes.size(), 1u);
  const recipient_outcome& outcome = result.outcomes[0][0];
  EXPECT_EQ(outcome.what, disposition::delivered);
  EXPECT_EQ(outcome.at, stage::end_of_data);
  EXPECT_EQ(to_text(outcome.answer), "250 2.0.0 queued as 1");
  EXPECT_TRUE(outcome.from_peer);
  EXPECT_THAT(result.writes, ElementsAre("EHLO client.test\r\n",
                                         "MAIL FROM:<from@source.test> SIZE=21\r\nRCPT TO:<a@x.test>\r\nDATA\r\n",
                                         "Subject: x\r\n\r\nhello\r\n.\r\n", "QUIT\r\n"));
}

TEST(ClientSession, sends_the_next_transaction_with_the_end_of_data_of_the_one_before) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go ahead")
                          .expect_body()
                          .reply("250 first")
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go ahead")
                          .expect_body()
                          .reply("250 second")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_EQ(result.outcomes[0][0].answer.text, "first");
  EXPECT_EQ(result.outcomes[1][0].answer.text, "second");
  ASSERT_EQ(result.writes.size(), 5u);
  EXPECT_EQ(result.writes[2],
            "Subject: x\r\n\r\nhello\r\n.\r\nMAIL FROM:<from@source.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n");
}

}  // namespace
}  // namespace gonets::smtp
