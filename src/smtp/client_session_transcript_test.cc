// What a session keeps of what was said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/client_session.h"
#include "smtp/dialogue_test_support.h"

namespace gonets::smtp {
namespace {

using ::testing::AllOf;
using testing::dialogue;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ClientSessionTranscript, has_the_opening_with_the_first_message_alone) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test"})
                          .hello("PIPELINING,SIZE 1000000")
                          .mail("250 2.1.0 Ok")
                          .rcpt("250 2.1.5 Ok")
                          .data("354 go ahead")
                          .expect_body()
                          .reply("250 2.0.0 queued as 1")
                          .mail("250 Ok")
                          .rcpt("550 5.1.1 no such user")
                          .data("554 no recipients")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.transcripts, ElementsAre("S: 220 mx.test ESMTP\n"
                                              "C: EHLO client.test\n"
                                              "S: 250-mx.test\n"
                                              "S: 250-PIPELINING\n"
                                              "S: 250 SIZE 1000000\n"
                                              "C: MAIL FROM:<from@source.test> SIZE=21\n"
                                              "C: RCPT TO:<a@x.test>\n"
                                              "C: DATA\n"
                                              "S: 250 2.1.0 Ok\n"
                                              "S: 250 2.1.5 Ok\n"
                                              "S: 354 go ahead\n"
                                              "(the message, 21 bytes)\n"
                                              "C: .\n"
                                              "S: 250 2.0.0 queued as 1\n",
                                              "C: MAIL FROM:<from@source.test> SIZE=21\n"
                                              "C: RCPT TO:<b@x.test>\n"
                                              "C: DATA\n"
                                              "S: 250 Ok\n"
                                              "S: 550 5.1.1 no such user\n"
                                              "S: 554 no recipients\n"));
}

TEST(ClientSessionTranscript, of_a_recipient_leaves_out_what_is_about_others) {
  const auto result = dialogue{}
                          .message({"a@x.test", "b@x.test"})
                          .hello("")
                          .mail("250 Ok")
                          .rcpt("250 a")
                          .rcpt("450 4.2.0 b later")
                          .data("354 go ahead")
                          .expect_body()
                          .reply("250 kept")
                          .quit()
                          .check_cut_everywhere();
  ASSERT_EQ(result.transcripts.size(), 2u);
  EXPECT_THAT(result.transcripts[0], AllOf(HasSubstr("C: RCPT TO:<a@x.test>\nS: 250 a\nC: DATA\nS: 354 go ahead\n"),
                                           Not(HasSubstr("b@x.test")), Not(HasSubstr("b later"))));
  EXPECT_THAT(result.transcripts[1], AllOf(HasSubstr("C: RCPT TO:<b@x.test>\nS: 450 4.2.0 b later\nC: DATA\n"),
                                           HasSubstr("S: 250 kept\n"), Not(HasSubstr("a@x.test"))));
}

TEST(ClientSessionTranscript, of_an_lmtp_recipient_ends_with_his_own_reply) {
  const auto result = dialogue{{.helo_name = "client.test", .speak = protocol::lmtp}}
                          .message({"a@x.test", "b@x.test", "c@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .rcpt("550 no b")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 for a")
                          .reply("452 c is full")
                          .quit()
                          .check_cut_everywhere();
  ASSERT_EQ(result.transcripts.size(), 3u);
  EXPECT_THAT(result.transcripts[0], AllOf(HasSubstr("C: .\nS: 250 for a\n"), Not(HasSubstr("c is full"))));
  EXPECT_THAT(result.transcripts[1], AllOf(HasSubstr("S: 550 no b\n"), Not(HasSubstr("for a"))));
  EXPECT_THAT(result.transcripts[2], AllOf(HasSubstr("C: .\nS: 452 c is full\n"), Not(HasSubstr("for a"))));
}

TEST(ClientSessionTranscript, blanks_what_logs_in_and_what_repeats_it) {
  const client_options as_user{.helo_name = "client.test", .login = client_login{"user", "pencil", "nonce", true}};
  auto refused = dialogue{as_user}.message({"a@x.test"});
  refused.hello("AUTH PLAIN").expect("AUTH PLAIN AHVzZXIAcGVuY2ls\r\n").reply("235 hello user AHVzZXIAcGVuY2ls pencil");
  refused.mail("250 Ok").rcpt("250 Ok").data("354 go").expect_body().reply("250 kept").quit();
  auto by_login = dialogue{as_user}.message({"a@x.test"});
  by_login.hello("AUTH LOGIN").expect("AUTH LOGIN\r\n").reply("334 VXNlcm5hbWU6").expect("dXNlcg==\r\n");
  by_login.reply("334 UGFzc3dvcmQ6").expect("cGVuY2ls\r\n").reply("235 good");
  by_login.mail("250 Ok").rcpt("250 Ok").data("354 go").expect_body().reply("250 kept").quit();
  EXPECT_THAT(refused.check_cut_everywhere().transcripts[0],
              AllOf(HasSubstr("C: AUTH PLAIN ***\nS: 235 hello user *** ***\nC: MAIL"), Not(HasSubstr("pencil"))));
  EXPECT_THAT(
      by_login.check_cut_everywhere().transcripts[0],
      HasSubstr("C: AUTH LOGIN ***\nS: 334 (a challenge)\nC: ***\nS: 334 (a challenge)\nC: ***\nS: 235 good\n"));
}

TEST(ClientSessionTranscript, tells_of_tls_and_of_a_421_at_any_time) {
  const client_options with_tls{.helo_name = "client.test", .tls = starttls::required};
  auto d = dialogue{with_tls}.message({"a@x.test"});
  d.hello("STARTTLS").starttls("").mail("421 4.3.2 going down");
  EXPECT_THAT(d.check_cut_everywhere().transcripts[0],
              HasSubstr("C: STARTTLS\nS: 220 2.0.0 go\n(TLS)\nC: EHLO client.test\nS: 250 mx.test\n"
                        "C: MAIL FROM:<from@source.test>\nS: 421 4.3.2 going down\n"));
}

TEST(ClientSessionTranscript, is_kept_of_a_session_that_was_refused) {
  client_session session({.helo_name = "client.test"});
  session.connected();
  session.feed("554-5.7.1 You are\r\n554 5.7.1 listed\r\n");
  EXPECT_EQ(session.take_transcript().text(), "S: 554-5.7.1 You are\nS: 554 5.7.1 listed\n");
}

TEST(transcript, is_cut_where_it_is_too_long) {
  transcript said;
  const reply endless{250, {}, std::string(1000, 'x')};
  for (int i = 0; i < 20; ++i)
    said.server(endless);
  const auto shown = said.of(nullptr);
  EXPECT_LE(shown.size(), transcript::bytes_max + 1);
  EXPECT_TRUE(shown.ends_with("...\n"));
}

}  // namespace
}  // namespace gonets::smtp
