// What a peer's refusals mean for each recipient, pipelined and step by step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/client_session.h"
#include "smtp/dialogue_test_support.h"

namespace gonets::smtp {
namespace {

using testing::dialogue;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::outgoing;

const std::string body_text = "Subject: x\r\n\r\nhello\r\n";

TEST(ClientSessionRefusals, mail_refused_is_told_to_all_recipients) {
  const auto result = dialogue{}
                          .message({"a@x.test", "b@x.test"})
                          .hello()
                          .mail("550 5.7.1 go away")
                          .rcpt("503 MAIL first")
                          .rcpt("503 MAIL first")
                          .data("503 RCPT first")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("failed at mail: 550 5.7.1 go away", "failed at mail: 550 5.7.1 go away"));
}

TEST(ClientSessionRefusals, step_by_step_nothing_is_sent_after_mail_was_refused) {
  const auto result =
      dialogue{}.message({"a@x.test", "b@x.test"}).hello("").mail("451 later").quit().check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("deferred at mail: 451 later", "deferred at mail: 451 later"));
}

TEST(ClientSessionRefusals, a_refused_mail_needs_no_reset_before_the_next) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test"})
                          .hello("")
                          .mail("451 later")
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 kept")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("deferred at mail: 451 later", "delivered at end_of_data: 250 kept"));
}

TEST(ClientSessionRefusals, some_recipients_refused_the_others_get_the_end_of_data) {
  for (const char* keywords : {"PIPELINING", ""}) {
    const auto result = dialogue{}
                            .message({"a@x.test", "b@x.test", "c@x.test", "d@x.test"})
                            .hello(keywords)
                            .mail("250 Ok")
                            .rcpt("250 Ok")
                            .rcpt("550 5.1.1 no such user")
                            .rcpt("450 4.2.1 greylisted")
                            .rcpt("251 will forward")
                            .data("354 go")
                            .expect_body()
                            .reply("250 2.0.0 queued under a name that is not short")
                            .quit()
                            .check_cut_everywhere();
    EXPECT_THAT(result.told(),
                ElementsAre("delivered at end_of_data: 250 2.0.0 queued under a name that is not short",
                            "failed at rcpt: 550 5.1.1 no such user", "deferred at rcpt: 450 4.2.1 greylisted",
                            "delivered at end_of_data: 250 2.0.0 queued under a name that is not short"));
  }
}

TEST(ClientSessionRefusals, data_refused_because_all_recipients_were_changes_no_outcome) {
  const auto result = dialogue{}
                          .message({"a@x.test", "b@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("550 no a")
                          .rcpt("450 no b")
                          .data("554 no valid recipients")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("failed at rcpt: 550 no a", "deferred at rcpt: 450 no b"));
}

TEST(ClientSessionRefusals, data_accepted_although_all_recipients_were_refused_gets_a_lone_dot) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("550 no a")
                          .data("354 go")
                          .expect(".\r\n")
                          .reply("250 accepted an empty message for nobody")
                          .mail("250 Ok")
                          .rcpt("550 no b")
                          .data("354 go")
                          .expect(".\r\n")
                          .reply("554 no recipients")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("failed at rcpt: 550 no a", "failed at rcpt: 550 no b"));
}

TEST(ClientSessionRefusals, data_accepted_although_mail_was_refused_gets_a_lone_dot) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .hello()
                          .mail("550 no")
                          .rcpt("250 whoever")
                          .data("354 go")
                          .expect(".\r\n")
                          .reply("250 what was that")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("failed at mail: 550 no"));
}

TEST(ClientSessionRefusals, data_refused_is_told_to_the_accepted_recipients_only) {
  for (const char* keywords : {"PIPELINING", ""}) {
    const auto result = dialogue{}
                            .message({"a@x.test", "b@x.test", "c@x.test"})
                            .hello(keywords)
                            .mail("250 Ok")
                            .rcpt("250 Ok")
                            .rcpt("550 no b")
                            .rcpt("250 Ok")
                            .data("451 4.3.0 not now")
                            .quit()
                            .check_cut_everywhere();
    EXPECT_THAT(result.told(), ElementsAre("deferred at data: 451 4.3.0 not now", "failed at rcpt: 550 no b",
                                           "deferred at data: 451 4.3.0 not now"));
  }
}

TEST(ClientSessionRefusals, the_message_refused_at_its_end_is_told_to_the_accepted_recipients) {
  const auto result = dialogue{}
                          .message({"a@x.test", "b@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("554 5.7.1 spam")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(),
              ElementsAre("failed at end_of_data: 554 5.7.1 spam", "failed at end_of_data: 554 5.7.1 spam"));
}

TEST(ClientSessionRefusals, recipients_over_the_peers_limit_were_not_attempted) {
  for (const char* refusal : {"452 4.5.3 limit reached", "452 Too Many Recipients", "552 too many recipients"}) {
    const auto result = dialogue{}
                            .message({"a@x.test", "b@x.test"})
                            .hello()
                            .mail("250 Ok")
                            .rcpt("250 Ok")
                            .rcpt(refusal)
                            .data("354 go")
                            .expect_body()
                            .reply("250 kept")
                            .quit()
                            .check_cut_everywhere();
    EXPECT_THAT(result.told(),
                ElementsAre("delivered at end_of_data: 250 kept", std::string("not attempted at rcpt: ") + refusal));
  }
}

TEST(ClientSessionRefusals, too_many_recipients_before_one_was_accepted_defers) {
  const auto result = dialogue{}
                          .message({"a@x.test", "b@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("452 4.5.3 too many recipients")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 kept")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(),
              ElementsAre("deferred at rcpt: 452 4.5.3 too many recipients", "delivered at end_of_data: 250 kept"));
}

TEST(ClientSessionRefusals, a_full_mailbox_is_not_the_recipient_limit) {
  const auto result = dialogue{}
                          .message({"a@x.test", "b@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .rcpt("452 4.2.2 mailbox full")
                          .data("354 go")
                          .expect_body()
                          .reply("250 kept")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_EQ(result.told()[1], "deferred at rcpt: 452 4.2.2 mailbox full");
}

TEST(ClientSessionRefusals, a_transaction_left_open_on_the_peer_is_reset_before_the_next_step_by_step) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test"})
                          .hello("")
                          .mail("250 Ok")
                          .rcpt("550 no a")
                          .expect("RSET")
                          .reply("250 Ok")
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 kept")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("failed at rcpt: 550 no a", "delivered at end_of_data: 250 kept"));
}

TEST(ClientSessionRefusals, reset_goes_in_one_write_with_the_next_commands_if_the_peer_pipelines) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("550 no a")
                          .data("503 no recipients")
                          .expect("RSET")
                          .reply("250 Ok")
                          .mail("250 Ok")
                          .rcpt("550 no b")
                          .data("503 no recipients")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_EQ(result.writes[2], "RSET\r\nMAIL FROM:<from@source.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n");
  EXPECT_THAT(result.told(), ElementsAre("failed at rcpt: 550 no a", "failed at rcpt: 550 no b"));
}

TEST(ClientSessionRefusals, a_refused_reset_ends_the_session_without_blame_for_the_next_transaction) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test"})
                          .hello("")
                          .mail("250 Ok")
                          .rcpt("550 no a")
                          .expect("RSET")
                          .reply("500 what")
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("failed at rcpt: 550 no a", "not attempted: 500 what"));
}

TEST(ClientSessionRefusals, refusals_in_a_chained_transaction_are_its_own) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test", "c@x.test"})
                          .message({"d@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 kept")
                          .mail("451 4.7.1 slow down")
                          .rcpt("503 no")
                          .rcpt("503 no")
                          .data("503 no")
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 kept too")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(),
              ElementsAre("delivered at end_of_data: 250 kept", "deferred at mail: 451 4.7.1 slow down",
                          "deferred at mail: 451 4.7.1 slow down", "delivered at end_of_data: 250 kept too"));
}

TEST(ClientSessionRefusals, a_message_refused_at_its_end_leaves_the_chained_one_alone) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("554 spam")
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 ham")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("failed at end_of_data: 554 spam", "delivered at end_of_data: 250 ham"));
}

TEST(ClientSessionRefusals, a_refused_greeting_is_the_outcome_of_what_is_begun_then) {
  for (const auto& [greeting, told] : {std::pair{"554 5.7.1 blocked", "failed at greeting: 554 5.7.1 blocked"},
                                       std::pair{"421 4.7.0 busy", "deferred at greeting: 421 4.7.0 busy"}}) {
    client_session session({.helo_name = "client.test"});
    session.connected();
    session.feed(std::string(greeting) + "\r\n");
    EXPECT_EQ(session.next(), wants::close);
    EXPECT_EQ(testing::to_text(session.closed_because()), told);
    const outgoing late{"a@x.test"};
    session.begin(late.to_begin());
    EXPECT_EQ(session.next(), wants::collect);
    EXPECT_EQ(testing::to_text(session.collect()[0]), told);
    EXPECT_EQ(session.next(), wants::close);
  }
}

TEST(ClientSessionRefusals, transactions_begun_before_the_greeting_get_its_refusal) {
  client_session session({.helo_name = "client.test"});
  const outgoing first{"a@x.test"};
  const outgoing second{"b@x.test"};
  session.connected();
  session.begin(first.to_begin());
  session.begin(second.to_begin());
  EXPECT_EQ(session.next(), wants::bytes);
  session.feed("554 no\r\n");
  EXPECT_EQ(testing::to_text(session.collect()[0]), "failed at greeting: 554 no");
  EXPECT_EQ(testing::to_text(session.collect()[0]), "failed at greeting: 554 no");
  EXPECT_EQ(session.next(), wants::close);
}

TEST(ClientSessionRefusals, a_refused_session_is_left_with_quit_and_one_closed_by_the_peer_without) {
  EXPECT_THAT(dialogue{}.reply("554 no").expect("QUIT").check_cut_everywhere().writes, ElementsAre("QUIT\r\n"));
  EXPECT_THAT(dialogue{}.reply("421 no").check_cut_everywhere().writes, ElementsAre());
}

TEST(ClientSessionRefusals, ehlo_unknown_falls_back_to_helo_and_uses_no_extension) {
  for (const char* refusal : {"500 what", "502 not implemented", "504 no", "550 no"}) {
    outgoing m{"a@x.test"};
    m.to[0].notify.success = true;
    const auto result = dialogue{}
                            .message(m)
                            .reply("220 old")
                            .expect("EHLO client.test")
                            .reply(refusal)
                            .expect("HELO client.test")
                            .reply("250-old\r\n250 PIPELINING")
                            .expect("MAIL FROM:<from@source.test>\r\n")
                            .reply("250 Ok")
                            .expect("RCPT TO:<a@x.test>\r\n")
                            .reply("250 Ok")
                            .data("354 go")
                            .expect_body()
                            .reply("250 kept")
                            .quit()
                            .check_cut_everywhere();
    EXPECT_THAT(result.told(), ElementsAre("delivered at end_of_data: 250 kept"));
    EXPECT_EQ(result.writes.size(), 7u);
  }
}

TEST(ClientSessionRefusals, ehlo_and_helo_refused_is_the_refusal_of_the_session) {
  const auto permanent =
      dialogue{}.reply("220 x").expect("EHLO").reply("550 no").expect("HELO").reply("550 5.7.1 no helo").expect("QUIT");
  EXPECT_EQ(testing::to_text(permanent.check_cut_everywhere().because), "failed at ehlo: 550 5.7.1 no helo");
  const auto transient = dialogue{}.reply("220 x").expect("EHLO").reply("451 not yet").expect("QUIT");
  EXPECT_EQ(testing::to_text(transient.check_cut_everywhere().because), "deferred at ehlo: 451 not yet");
  const auto closing = dialogue{}.reply("220 x").expect("EHLO").reply("421 bye");
  EXPECT_EQ(testing::to_text(closing.check_cut_everywhere().because), "deferred at ehlo: 421 bye");
}

struct unmet_need {
  const char* keywords;
  bool eight_bit;
  bool smtputf8;
  std::uint64_t size_bytes;
  const char* told;
};

class ClientSessionNeeds : public ::testing::TestWithParam<unmet_need> {};

TEST_P(ClientSessionNeeds, that_the_peer_does_not_meet_fail_the_message_before_anything_of_it_is_sent) {
  const unmet_need& need = GetParam();
  outgoing m{"a@x.test", "b@x.test"};
  m.t.eight_bit = need.eight_bit;
  m.t.smtputf8 = need.smtputf8;
  m.t.size_bytes = need.size_bytes;
  const auto alone = dialogue{}.message(m).hello(need.keywords).quit().check_cut_everywhere();
  EXPECT_THAT(alone.told(), ElementsAre(need.told, need.told));

  const auto chained = dialogue{}
                           .message({"c@x.test"})
                           .message(m)
                           .message({"d@x.test"})
                           .hello(need.keywords)
                           .mail("250 Ok")
                           .rcpt("250 Ok")
                           .data("354 go")
                           .expect_body()
                           .reply("250 first")
                           .mail("250 Ok")
                           .rcpt("250 Ok")
                           .data("354 go")
                           .expect_body()
                           .reply("250 third")
                           .quit()
                           .check_cut_everywhere();
  EXPECT_THAT(chained.told(), ElementsAre("delivered at end_of_data: 250 first", need.told, need.told,
                                          "delivered at end_of_data: 250 third"));
}

INSTANTIATE_TEST_SUITE_P(
    Each, ClientSessionNeeds,
    ::testing::Values(
        unmet_need{"PIPELINING", true, false, 100,
                   "failed at mail: 554 5.6.3 the message has 8-bit content, and the receiving server does not offer "
                   "8BITMIME (ours)"},
        unmet_need{"PIPELINING,8BITMIME", true, true, 100,
                   "failed at mail: 550 5.6.7 the message needs SMTPUTF8, which the receiving server does not offer "
                   "(ours)"},
        unmet_need{"PIPELINING,SIZE 100", false, false, 101,
                   "failed at mail: 552 5.3.4 the message is larger than the receiving server accepts (ours)"}));

TEST(ClientSessionRefusals, an_address_that_could_carry_a_command_is_never_sent) {
  const auto result = dialogue{}.message({"a@x.test>\r\nRCPT TO:<b@x.test"}).hello().quit().check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("failed at mail: 553 5.1.3 an address of the envelope has control characters "
                                         "(ours)"));
  EXPECT_THAT(result.written(), Not(HasSubstr("MAIL")));
}

}  // namespace
}  // namespace gonets::smtp
