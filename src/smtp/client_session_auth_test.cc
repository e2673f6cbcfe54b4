// Logging in from the client's side: what is sent and when, and what every refusal, lie and loss means to the mail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "smtp/client_session.h"
#include "smtp/dialogue_test_support.h"

namespace gonets::smtp {
namespace {

using testing::dialogue;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::outgoing;

// RFC 7677 3.
const std::string nonce = "rOprNGfwEbeRWgbNEkqO";
const std::string server_first =
    "334 " + encode_base64("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
const std::string server_final = "334 " + encode_base64("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
const std::string client_first = "AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\r\n";
const std::string client_final = encode_base64(
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
const std::string plain = "AUTH PLAIN AHVzZXIAcGVuY2ls\r\n";

client_options as_user(starttls tls = starttls::never) {
  return {
      .helo_name = "client.test", .tls = tls, .login = client_login{"user", "pencil", nonce, tls == starttls::never}};
}

dialogue greeted(const std::string& mechanisms, bool with_mail = true) {
  dialogue d(as_user());
  if (with_mail) d.message({"a@x.test"});
  d.hello("PIPELINING," + mechanisms);
  return d;
}

dialogue& deliver(dialogue& d) {
  return d.mail("250 Ok").rcpt("250 Ok").data("354 go").expect_body().reply("250 kept").quit();
}

// Nothing but the end of the session tells of it, as no transaction was begun.
std::string because(const dialogue& d) {
  const auto result = d.check_cut_everywhere();
  EXPECT_THAT(result.written(), Not(HasSubstr("MAIL")));
  EXPECT_EQ(result.because.what, disposition::deferred);
  EXPECT_EQ(result.because.at, stage::auth);
  EXPECT_THAT(result.because.answer.text, Not(HasSubstr("pencil")));
  return gonets::to_text(result.because.answer);
}

TEST(ClientSessionAuth, logs_in_before_mail_by_each_mechanism) {
  auto by_plain = greeted("AUTH PLAIN LOGIN");
  by_plain.expect(plain).reply("235 2.7.0 good");
  auto by_login = greeted("AUTH LOGIN");
  by_login.expect("AUTH LOGIN\r\n").reply("334 VXNlcm5hbWU6").expect("dXNlcg==\r\n").reply("334 UGFzc3dvcmQ6");
  by_login.expect("cGVuY2ls\r\n").reply("235 good");
  auto by_scram = greeted("AUTH PLAIN LOGIN SCRAM-SHA-256");
  by_scram.expect(client_first).reply(server_first).expect(client_final + "\r\n").reply(server_final);
  by_scram.expect("\r\n").reply("235 good");
  auto by_old_spelling = greeted("AUTH=PLAIN");
  by_old_spelling.expect(plain).reply("235 good");
  for (auto* d : {&by_plain, &by_login, &by_scram, &by_old_spelling}) {
    EXPECT_THAT(deliver(*d).check_cut_everywhere().told(), ElementsAre("delivered at end_of_data: 250 kept"));
  }
}

TEST(ClientSessionAuth, is_done_once_for_a_connection) {
  auto d = greeted("AUTH PLAIN");
  d.message({"b@x.test"}).expect(plain).reply("235 good");
  d.mail("250 Ok").rcpt("250 Ok").data("354 go").expect_body().reply("250 one");
  d.mail("250 Ok").rcpt("250 Ok").data("354 go").expect_body().reply("250 two").quit();
  EXPECT_THAT(d.check_cut_everywhere().told(),
              ElementsAre("delivered at end_of_data: 250 one", "delivered at end_of_data: 250 two"));
}

TEST(ClientSessionAuth, comes_after_starttls_and_by_what_is_offered_then) {
  dialogue d(as_user(starttls::required));
  d.message({"a@x.test"}).hello("STARTTLS,AUTH LOGIN").starttls("AUTH PLAIN").expect(plain).reply("235 good");
  EXPECT_THAT(deliver(d).check_cut_everywhere().told(), ElementsAre("delivered at end_of_data: 250 kept"));
}

TEST(ClientSessionAuth, sends_no_password_in_the_clear) {
  for (const starttls tls : {starttls::if_offered, starttls::required}) {
    dialogue d(as_user(tls));
    const auto result = d.message({"a@x.test"}).hello("AUTH PLAIN").quit().check_cut_everywhere();
    EXPECT_EQ(result.because.what, disposition::deferred);
    EXPECT_THAT(result.because.answer.text, HasSubstr("TLS"));
    EXPECT_THAT(result.written(), Not(HasSubstr("AUTH")));
  }
  dialogue refused(as_user(starttls::if_offered));
  refused.message({"a@x.test"}).hello("STARTTLS,AUTH PLAIN").expect("STARTTLS").reply("454 not now").quit();
  EXPECT_EQ(because(refused), "451 4.7.10 cannot log in as user: there is no TLS, without which no password is sent");
}

TEST(ClientSessionAuth, that_is_refused_defers_whatever_the_code) {
  for (const std::string reply : {"535 5.7.8 wrong", "534 5.7.9 use an app password", "530 5.7.0 no", "454 4.7.0 later",
                                  "504 unknown", "550 5.7.1 blocked"}) {
    EXPECT_EQ(because(greeted("AUTH PLAIN").expect(plain).reply(reply).quit()),
              "451 4.7.8 cannot log in as user: refused: " + reply);
  }
  EXPECT_EQ(because(greeted("AUTH PLAIN").expect(plain).reply("421 4.3.2 bye")),
            "451 4.7.8 cannot log in as user: refused: 421 4.3.2 bye");
}

TEST(ClientSessionAuth, does_not_repeat_the_password_that_a_server_repeats) {
  EXPECT_EQ(because(greeted("AUTH PLAIN").expect(plain).reply("535 user/pencil: AHVzZXIAcGVuY2ls cGVuY2ls?").quit()),
            "451 4.7.8 cannot log in as user: refused: 535 user/***: *** ***?");
}

TEST(ClientSessionAuth, needs_a_server_that_offers_it) {
  for (const std::string keywords : {"SIZE 5", "AUTH", "AUTH GSSAPI NTLM", "AUTHOR PLAIN"}) {
    EXPECT_EQ(because(greeted(keywords).quit()),
              "451 4.7.0 cannot log in as user: the server offers none of SCRAM-SHA-256, PLAIN and LOGIN");
  }
  dialogue old(as_user());
  old.message({"a@x.test"}).reply("220 mx").expect("EHLO").reply("500 what").expect("HELO").reply("250 mx").quit();
  EXPECT_THAT(because(old), HasSubstr("the server offers none of"));
}

TEST(ClientSessionAuth, does_not_believe_a_server_without_proof) {
  auto lie = greeted("AUTH SCRAM-SHA-256");
  lie.expect(client_first).reply(server_first).expect(client_final).reply("334 " + encode_base64("v=AAAA"));
  lie.expect("*\r\n").quit();
  EXPECT_THAT(because(lie), HasSubstr("it does not prove that it knows the password"));
  for (const bool early : {true, false}) {
    auto d = greeted("AUTH SCRAM-SHA-256");
    d.expect(client_first);
    if (!early) d.reply(server_first).expect(client_final);
    EXPECT_THAT(because(d.reply("235 good").quit()), HasSubstr("took it without the proofs"));
  }
}

TEST(ClientSessionAuth, cancels_what_goes_on_for_too_long_or_in_no_language) {
  EXPECT_THAT(because(greeted("AUTH PLAIN").expect(plain).reply("334 ").expect("*\r\n").quit()),
              HasSubstr("asks for more than PLAIN has"));
  EXPECT_THAT(because(greeted("AUTH LOGIN").expect("AUTH LOGIN").reply("334 Username:").expect("*\r\n").quit()),
              HasSubstr("not in base 64"));
  EXPECT_THAT(because(greeted("AUTH PLAIN").expect(plain).reply("250 pencil")),
              HasSubstr("broke the protocol: unexpected reply 250"));
}

TEST(ClientSessionAuth, that_is_lost_defers) {
  EXPECT_EQ(because(greeted("AUTH PLAIN").expect(plain).hang_up()), "451 4.4.2 connection lost");
  auto late = greeted("AUTH SCRAM-SHA-256");
  EXPECT_EQ(because(late.expect(client_first).reply(server_first).expect(client_final).hang_up()),
            "451 4.4.2 connection lost");
}

TEST(ClientSessionAuth, tells_what_was_begun_early) {
  client_session session(as_user());
  const outgoing early{"a@x.test"};
  session.connected();
  session.begin(early.to_begin());
  session.feed("220 x\r\n250-x\r\n250 AUTH PLAIN\r\n");
  EXPECT_EQ(session.waiting_for(), stage::auth);
  EXPECT_FALSE(session.ready());
  EXPECT_EQ(session.take_output(), "EHLO client.test\r\n" + plain);
  session.feed("535 no\r\n");
  ASSERT_EQ(session.next(), wants::collect);
  EXPECT_EQ(testing::to_text(session.collect()[0]),
            "deferred at auth: 451 4.7.8 cannot log in as user: refused: 535 no (ours)");
}

// ---- with a token

dialogue with_token(const std::string& mechanisms) {
  auto options = as_user();
  options.login->by_token = true;
  dialogue d(options);
  d.message({"a@x.test"}).hello(mechanisms);
  return d;
}
const std::string xoauth2 = "AUTH XOAUTH2 " + encode_base64("user=user\1auth=Bearer pencil\1\1") + "\r\n";
const std::string oauthbearer = "AUTH OAUTHBEARER " + encode_base64("n,a=user,\1auth=Bearer pencil\1\1") + "\r\n";

TEST(ClientSessionToken, logs_in_before_mail_by_each_mechanism) {
  auto by_xoauth2 = with_token("PIPELINING,AUTH PLAIN OAUTHBEARER XOAUTH2");
  by_xoauth2.expect(xoauth2).reply("235 2.7.0 good");
  auto by_oauthbearer = with_token("PIPELINING,AUTH PLAIN OAUTHBEARER");
  by_oauthbearer.expect(oauthbearer).reply("235 good");
  for (auto* d : {&by_xoauth2, &by_oauthbearer})
    EXPECT_THAT(deliver(*d).check_cut_everywhere().told(), ElementsAre("delivered at end_of_data: 250 kept"));
}

TEST(ClientSessionToken, that_is_refused_defers_and_tells_the_status) {
  const auto challenge = "334 " + encode_base64(R"({"status":"401","schemes":"bearer"})");
  auto by_xoauth2 = with_token("AUTH XOAUTH2").expect(xoauth2).reply(challenge).expect("\r\n");
  EXPECT_EQ(because(by_xoauth2.reply("535 5.7.8 no pencil, " + xoauth2.substr(13, xoauth2.size() - 15)).quit()),
            "451 4.7.8 cannot log in as user: refused: 535 5.7.8 no ***, *** (401)");
  auto by_oauthbearer = with_token("AUTH OAUTHBEARER").expect(oauthbearer).reply(challenge).expect("AQ==\r\n");
  EXPECT_EQ(because(by_oauthbearer.reply("535 no").quit()), "451 4.7.8 cannot log in as user: refused: 535 no (401)");
}

TEST(ClientSessionToken, is_no_password) {
  EXPECT_EQ(because(with_token("AUTH PLAIN LOGIN SCRAM-SHA-256").quit()),
            "451 4.7.0 cannot log in as user: the server offers none of XOAUTH2 and OAUTHBEARER, which take a token");
}

}  // namespace
}  // namespace gonets::smtp
