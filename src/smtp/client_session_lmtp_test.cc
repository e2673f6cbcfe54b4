// LMTP (RFC 2033): LHLO, and one reply to the end of data for each accepted recipient.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/client_session.h"
#include "smtp/dialogue_test_support.h"

namespace gonets::smtp {
namespace {

using testing::dialogue;
using ::testing::ElementsAre;
using testing::outgoing;

client_options lmtp() {
  return {.helo_name = "client.test", .speak = protocol::lmtp};
}

TEST(ClientSessionLmtp, gives_every_accepted_recipient_its_own_reply) {
  for (const char* keywords : {"PIPELINING", ""}) {
    const auto result = dialogue{lmtp()}
                            .message({"a@x.test", "b@x.test", "c@x.test", "d@x.test"})
                            .hello(keywords)
                            .mail("250 Ok")
                            .rcpt("250 Ok")
                            .rcpt("550 5.1.1 no b")
                            .rcpt("250 Ok")
                            .rcpt("250 Ok")
                            .data("354 go")
                            .expect_body()
                            .reply("250 2.0.0 a has it")
                            .reply("452 4.2.2 c is full")
                            .reply("550 5.7.1 d does not want it")
                            .quit()
                            .check_cut_everywhere();
    EXPECT_THAT(result.told(),
                ElementsAre("delivered at end_of_data: 250 2.0.0 a has it", "failed at rcpt: 550 5.1.1 no b",
                            "deferred at end_of_data: 452 4.2.2 c is full",
                            "failed at end_of_data: 550 5.7.1 d does not want it"));
  }
}

TEST(ClientSessionLmtp, chains_transactions) {
  const auto result = dialogue{lmtp()}
                          .message({"a@x.test", "b@x.test"})
                          .message({"c@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 a")
                          .reply("250 b")
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 c")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("delivered at end_of_data: 250 a", "delivered at end_of_data: 250 b",
                                         "delivered at end_of_data: 250 c"));
}

TEST(ClientSessionLmtp, a_421_among_the_last_replies_defers_those_that_are_open) {
  const auto result = dialogue{lmtp()}
                          .message({"a@x.test", "b@x.test", "c@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .rcpt("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 a")
                          .reply("421 going down")
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("delivered at end_of_data: 250 a", "deferred at end_of_data: 421 going down",
                                         "deferred at end_of_data: 421 going down"));
}

TEST(ClientSessionLmtp, a_connection_lost_among_the_last_replies_defers_those_that_are_open) {
  const auto result = dialogue{lmtp()}
                          .message({"a@x.test", "b@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 a")
                          .hang_up()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("delivered at end_of_data: 250 a",
                                         "deferred at end_of_data: 451 4.4.2 connection lost (ours)"));
}

TEST(ClientSessionLmtp, does_not_fall_back_to_helo) {
  const auto result = dialogue{lmtp()}.reply("220 x").expect("LHLO client.test").reply("500 what").expect("QUIT");
  EXPECT_EQ(testing::to_text(result.check_cut_everywhere().because), "failed at ehlo: 500 what");
}

// RFC 2033 4.2 wants 503 here. After a lone dot nobody could say how many replies will come.
TEST(ClientSessionLmtp, a_354_without_an_accepted_recipient_ends_the_session) {
  const auto result = dialogue{lmtp()}
                          .message({"a@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("550 no a")
                          .data("354 go")
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("failed at rcpt: 550 no a"));
  EXPECT_EQ(result.because.at, stage::data);
}

}  // namespace
}  // namespace gonets::smtp
