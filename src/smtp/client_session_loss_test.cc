// Connections that end, peers that say 421, and peers that do not speak SMTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/client_session.h"
#include "smtp/dialogue_test_support.h"

namespace gonets::smtp {
namespace {

using testing::dialogue;
using ::testing::ElementsAre;
using testing::outgoing;
using ::testing::StartsWith;

const std::string broken = "451 4.5.0 the receiving server broke the protocol: ";

TEST(ClientSessionLoss, after_the_end_of_data_defers_at_end_of_data_and_leaves_the_chained_one_unattempted) {
  const auto result = dialogue{}
                          .message({"a@x.test", "b@x.test"})
                          .message({"c@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .rcpt("550 no b")
                          .data("354 go")
                          .expect_body()
                          .hang_up()
                          .run();
  EXPECT_THAT(result.told(),
              ElementsAre("deferred at end_of_data: 451 4.4.2 connection lost (ours)", "failed at rcpt: 550 no b",
                          "not attempted: 451 4.4.2 connection lost (ours)"));
}

TEST(ClientSessionLoss, before_any_reply_on_a_fresh_connection_defers) {
  const auto result = dialogue{}.message({"a@x.test"}).hello().expect("MAIL").hang_up().check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("deferred at mail: 451 4.4.2 connection lost (ours)"));
}

TEST(ClientSessionLoss, before_any_reply_on_a_used_connection_is_no_attempt) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test"})
                          .hello("")
                          .mail("451 later")
                          .expect("MAIL")
                          .hang_up()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(),
              ElementsAre("deferred at mail: 451 later", "not attempted: 451 4.4.2 connection lost (ours)"));
}

TEST(ClientSessionLoss, after_a_reply_on_a_used_connection_defers) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test", "c@x.test"})
                          .hello("")
                          .mail("451 later")
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .expect("RCPT")
                          .hang_up()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(),
              ElementsAre("deferred at mail: 451 later", "deferred at rcpt: 451 4.4.2 connection lost (ours)",
                          "deferred at rcpt: 451 4.4.2 connection lost (ours)"));
}

TEST(ClientSessionLoss, before_the_session_was_ready_is_the_outcome_of_all_that_is_begun) {
  client_session session({.helo_name = "client.test"});
  const outgoing early{"a@x.test"};
  const outgoing late{"b@x.test"};
  session.connected();
  session.begin(early.to_begin());
  session.lost("timed\r\nout");
  EXPECT_EQ(testing::to_text(session.collect()[0]), "deferred at greeting: 451 4.4.2 timed  out (ours)");
  session.begin(late.to_begin());
  EXPECT_EQ(testing::to_text(session.collect()[0]), "deferred at greeting: 451 4.4.2 timed  out (ours)");
  EXPECT_EQ(session.next(), wants::close);
}

TEST(ClientSessionLoss, a_session_that_ended_takes_no_transaction) {
  client_session session({.helo_name = "client.test"});
  session.connected();
  session.feed("220 x\r\n250 x\r\n");
  ASSERT_EQ(session.next(), wants::work);
  session.lost("reset by peer");
  const outgoing late{"a@x.test"};
  session.begin(late.to_begin());
  EXPECT_EQ(testing::to_text(session.collect()[0]), "not attempted: 451 4.4.2 reset by peer (ours)");
}

TEST(ClientSessionLoss, in_place_of_the_reply_to_quit_blames_nobody) {
  const auto result = dialogue{}.hello().expect("QUIT").hang_up().check_cut_everywhere();
  EXPECT_EQ(testing::to_text(result.because), "not attempted: 451 4.4.2 connection lost (ours)");
}

TEST(ClientSessionLoss, a_body_that_cannot_be_read_is_never_ended) {
  client_session session({.helo_name = "client.test"});
  const outgoing first{"a@x.test"};
  const outgoing second{"b@x.test"};
  session.connected();
  session.feed("220 x\r\n250-x\r\n250 PIPELINING\r\n");
  session.begin(first.to_begin());
  session.feed("250 Ok\r\n250 Ok\r\n354 go\r\n");
  ASSERT_EQ(session.next(), wants::body);
  ASSERT_TRUE(session.can_chain());
  session.begin(second.to_begin());
  session.take_output();
  session.body_failed("the spool can't be read");
  EXPECT_EQ(session.after_body(), "");
  EXPECT_EQ(session.take_output(), "");
  EXPECT_EQ(testing::to_text(session.collect()[0]), "deferred at data: 451 4.3.0 the spool can't be read (ours)");
  EXPECT_EQ(testing::to_text(session.collect()[0]), "not attempted: 451 4.3.0 the spool can't be read (ours)");
  EXPECT_EQ(session.next(), wants::close);
}

TEST(ClientSessionCloses, with_421_to_mail_defers_the_transaction) {
  const auto result =
      dialogue{}.message({"a@x.test", "b@x.test"}).hello().mail("421 4.7.0 slow down").check_cut_everywhere();
  EXPECT_THAT(result.told(),
              ElementsAre("deferred at mail: 421 4.7.0 slow down", "deferred at mail: 421 4.7.0 slow down"));
  EXPECT_EQ(testing::to_text(result.because), "deferred at mail: 421 4.7.0 slow down");
}

TEST(ClientSessionCloses, with_421_to_one_recipient_defers_all_that_are_open) {
  for (const char* keywords : {"PIPELINING", ""}) {
    const auto result = dialogue{}
                            .message({"a@x.test", "b@x.test", "c@x.test", "d@x.test"})
                            .hello(keywords)
                            .mail("250 Ok")
                            .rcpt("250 Ok")
                            .rcpt("550 no b")
                            .rcpt("421 enough")
                            .check_cut_everywhere();
    EXPECT_THAT(result.told(), ElementsAre("deferred at rcpt: 421 enough", "failed at rcpt: 550 no b",
                                           "deferred at rcpt: 421 enough", "deferred at rcpt: 421 enough"));
  }
}

TEST(ClientSessionCloses, with_421_to_data_and_to_the_end_of_data_defers_those_accepted) {
  const auto base = dialogue{}.message({"a@x.test"}).message({"b@x.test"}).hello().mail("250 Ok").rcpt("250 Ok");
  EXPECT_THAT(dialogue(base).data("421 going down").check_cut_everywhere().told(),
              ElementsAre("deferred at data: 421 going down"));
  const auto at_end = dialogue(base).data("354 go").expect_body().reply("421 going down");
  EXPECT_THAT(at_end.run().told(),
              ElementsAre("deferred at end_of_data: 421 going down", "not attempted: 421 going down"));
  EXPECT_THAT(at_end.run({.chain = false}).told(), ElementsAre("deferred at end_of_data: 421 going down"));
}

TEST(ClientSessionCloses, with_421_when_idle_quietly) {
  client_session session({.helo_name = "client.test"});
  session.connected();
  session.feed("220 x\r\n250 x\r\n");
  ASSERT_EQ(session.next(), wants::work);
  session.feed("421 4.4.2 idle for too long\r\n");
  EXPECT_EQ(session.next(), wants::close);
  EXPECT_EQ(testing::to_text(session.closed_because()), "deferred: 421 4.4.2 idle for too long");
}

TEST(ClientSessionCloses, while_the_body_is_written_with_the_peers_refusal) {
  for (const auto& [refusal, told] : {std::pair{"552 5.3.4 too big", "failed at data: 552 5.3.4 too big"},
                                      std::pair{"421 4.3.2 going down", "deferred at data: 421 4.3.2 going down"}}) {
    client_session session({.helo_name = "client.test"});
    const outgoing m{"a@x.test"};
    session.connected();
    session.feed("220 x\r\n250 x\r\n");
    session.begin(m.to_begin());
    session.feed("250 Ok\r\n");
    session.feed("250 Ok\r\n");
    session.feed("354 go\r\n");
    ASSERT_EQ(session.next(), wants::body);
    session.feed(std::string(refusal) + "\r\n");
    EXPECT_EQ(session.after_body(), "");
    EXPECT_EQ(testing::to_text(session.collect()[0]), told);
    EXPECT_EQ(session.next(), wants::close);
  }
}

TEST(ClientSessionGarbage, a_positive_reply_before_the_end_of_data_was_sent_delivers_nothing) {
  const auto result =
      dialogue{}.message({"a@x.test"}).hello().mail("250 Ok").rcpt("250 Ok").data("354 go\r\n250 kept already").run();
  EXPECT_THAT(result.told(), ElementsAre("deferred at data: " + broken + "unexpected reply 250 kept already (ours)"));
}

TEST(ClientSessionGarbage, data_answered_250_is_not_taken_for_success) {
  const auto result =
      dialogue{}.message({"a@x.test"}).hello().mail("250 Ok").rcpt("250 Ok").data("250 Ok").check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("deferred at data: " + broken + "unexpected reply 250 Ok (ours)"));
}

TEST(ClientSessionGarbage, a_3xx_where_it_has_no_meaning_breaks_the_session) {
  const auto begun = dialogue{}.message({"a@x.test"}).hello();
  EXPECT_THAT(dialogue(begun).mail("354 go").check_cut_everywhere().told(),
              ElementsAre("deferred at mail: " + broken + "unexpected reply 354 go (ours)"));
  EXPECT_THAT(dialogue(begun).mail("250 Ok").rcpt("334 x").check_cut_everywhere().told(),
              ElementsAre("deferred at rcpt: " + broken + "unexpected reply 334 x (ours)"));
  const auto sent = dialogue(begun).mail("250 Ok").rcpt("250 Ok").data("354 go").expect_body();
  EXPECT_THAT(dialogue(sent).reply("354 more").check_cut_everywhere().told(),
              ElementsAre("deferred at end_of_data: " + broken + "unexpected reply 354 more (ours)"));
}

TEST(ClientSessionGarbage, in_place_of_a_reply_defers_with_an_excerpt_that_is_safe_to_print) {
  const auto result =
      dialogue{}.message({"a@x.test"}).hello().expect("MAIL").bytes("\x1b[2J\xff<html>\r\n").check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("deferred at mail: " + broken + "not a reply: \"?[2J?<html>\" (ours)"));
}

TEST(ClientSessionGarbage, in_place_of_the_greeting_ends_the_session) {
  const auto result = dialogue{}.bytes("SSH-2.0-OpenSSH_9.2\r\n").check_cut_everywhere();
  EXPECT_EQ(testing::to_text(result.because),
            "deferred at greeting: " + broken + "not a reply: \"SSH-2.0-OpenSSH_9.2\" (ours)");
  EXPECT_THAT(testing::to_text(dialogue{}.reply("250 hello").check_cut_everywhere().because),
              StartsWith("deferred at greeting: 451 4.5.0"));
}

TEST(ClientSessionGarbage, a_line_without_end_is_refused_at_the_limit) {
  client_session session({.helo_name = "client.test", .reply_line_bytes_max = 100});
  session.connected();
  session.feed("220 ");
  for (int i = 0; i < 96; ++i) {
    ASSERT_EQ(session.next(), wants::bytes);
    session.feed("x");
  }
  EXPECT_EQ(session.next(), wants::bytes);
  session.feed("x");
  EXPECT_EQ(session.next(), wants::close);
}

TEST(ClientSessionGarbage, lines_without_end_are_refused_at_the_limit) {
  client_session session({.helo_name = "client.test", .reply_lines_max = 5});
  session.connected();
  for (int i = 0; i < 5; ++i)
    session.feed("220-x\r\n");
  EXPECT_EQ(session.next(), wants::bytes);
  session.feed("220-x\r\n");
  EXPECT_EQ(session.next(), wants::close);
}

TEST(ClientSessionGarbage, a_reply_nobody_asked_for_ends_an_idle_session) {
  client_session session({.helo_name = "client.test"});
  session.connected();
  session.feed("220 x\r\n250 x\r\n");
  ASSERT_EQ(session.next(), wants::work);
  session.feed("250 Ok\r\n");
  EXPECT_EQ(session.next(), wants::close);
}

TEST(ClientSessionGarbage, what_follows_the_end_of_the_session_is_ignored) {
  client_session session({.helo_name = "client.test"});
  session.connected();
  session.feed("421 bye\r\n220 x\r\n250 x\r\n");
  EXPECT_EQ(session.next(), wants::close);
  session.feed("220 x\r\n");
  session.lost("again");
  EXPECT_EQ(testing::to_text(session.closed_because()), "deferred at greeting: 421 bye");
}

}  // namespace
}  // namespace gonets::smtp
