#include "sasl/client.h"

#include <gtest/gtest.h>

#include <string>

#include "sasl/exchange.h"
#include "sasl/password.h"

namespace gonets::sasl {
namespace {

using namespace std::string_literals;

// RFC 7677 3.
constexpr std::string_view nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view client_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr std::string_view server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

std::unique_ptr<client> scram() {
  return make_client(mechanism::scram_sha_256, "user", "pencil", std::string(nonce));
}

TEST(SaslClient, agrees_with_the_example_of_rfc_7677) {
  const auto c = scram();
  EXPECT_EQ(c->initial(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(c->respond(server_first), client_final);
  EXPECT_FALSE(c->may_succeed());
  EXPECT_EQ(c->respond(server_final), "");
  EXPECT_TRUE(c->may_succeed());
}

TEST(SaslClient, does_not_believe_a_server_that_signs_wrongly) {
  for (const std::string_view lie : {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", "v=", "v=AAAA", "v=!", "", "ok",
                                     "e=other-error", "x=1,v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="}) {
    const auto c = scram();
    (void)c->initial();
    ASSERT_EQ(c->respond(server_first), client_final);
    EXPECT_FALSE(c->respond(lie)) << lie;
    EXPECT_FALSE(c->may_succeed());
    EXPECT_FALSE(c->error().empty());
    EXPECT_EQ(c->error().find("pencil"), std::string::npos);
  }
}

TEST(SaslClient, refuses_first_messages_that_are_not_fit) {
  const auto own = std::string(nonce);
  for (const auto& [message, why] : {
           std::pair{""s, "malformed"},
           std::pair{"m=ext,r="s + own + "x,s=W22Z,i=4096", "malformed"},
           std::pair{"r="s + own + "x,i=4096", "malformed"},
           std::pair{"r="s + own + ",s=W22Z,i=4096", "nonce"},
           std::pair{"r=other,s=W22Z,i=4096"s, "nonce"},
           std::pair{"r="s + own + std::string(300, 'x') + ",s=W22Z,i=4096", "nonce"},
           std::pair{"r="s + own + "x,s=,i=4096", "salt"},
           std::pair{"r="s + own + "x,s=?,i=4096", "salt"},
           std::pair{"r="s + own + "x,s=W22Z,i=4095", "iteration"},
           std::pair{"r="s + own + "x,s=W22Z,i=100001", "iteration"},
           std::pair{"r="s + own + "x,s=W22Z,i=99999999999", "iteration"},
           std::pair{"r="s + own + "x,s=W22Z,i=5000x", "iteration"},
       }) {
    const auto c = scram();
    (void)c->initial();
    EXPECT_FALSE(c->respond(message)) << message;
    EXPECT_NE(c->error().find(why), std::string::npos) << c->error();
  }
}

TEST(SaslClient, escapes_a_name_in_scram) {
  EXPECT_EQ(make_client(mechanism::scram_sha_256, "a=b,c", "p", "n")->initial(), "n,,n=a=3Db=2Cc,r=n");
}

TEST(SaslClient, says_plain_at_once_and_login_when_asked) {
  const auto plain = make_client(mechanism::plain, "user", "pencil", "");
  EXPECT_EQ(plain->initial(), "\0user\0pencil"s);
  EXPECT_TRUE(plain->may_succeed());
  EXPECT_FALSE(plain->respond(""));
  const auto login = make_client(mechanism::login, "user", "pencil", "");
  EXPECT_FALSE(login->initial());
  EXPECT_EQ(login->respond("Username:"), "user");
  EXPECT_FALSE(login->may_succeed());
  EXPECT_EQ(login->respond("anything"), "pencil");
  EXPECT_TRUE(login->may_succeed());
  EXPECT_FALSE(login->respond("once more"));
}

TEST(SaslClient, chooses_what_protects_best) {
  offered_mechanisms o;
  EXPECT_FALSE(choose(o, "u", "p"));
  add_offered("gssapi", o);
  EXPECT_EQ(o, offered_mechanisms());
  add_offered("login", o);
  EXPECT_EQ(choose(o, "u", "p"), mechanism::login);
  add_offered("Plain", o);
  EXPECT_EQ(choose(o, "u", "p"), mechanism::plain);
  add_offered("SCRAM-SHA-256-PLUS", o);
  EXPECT_EQ(choose(o, "u", "p"), mechanism::plain);
  add_offered("scram-sha-256", o);
  EXPECT_EQ(choose(o, "u", "p"), mechanism::scram_sha_256);
  EXPECT_EQ(choose(o, "u", "пароль"), mechanism::plain);
  EXPECT_EQ(choose(o, "ю", "p"), mechanism::plain);
}

TEST(SaslClient, takes_credentials_that_fit_into_a_line) {
  EXPECT_TRUE(is_client_name("user@example.com"));
  EXPECT_TRUE(is_client_password(" blanks are good "));
  for (const auto& bad : {""s, "a\0b"s, "a\r"s, "a\nb"s}) {
    EXPECT_FALSE(is_client_name(bad));
    EXPECT_FALSE(is_client_password(bad));
  }
  EXPECT_FALSE(is_client_name(std::string(login_bytes_max + 1, 'x')));
  EXPECT_FALSE(is_client_password(std::string(password_bytes_max + 1, 'x')));
}

TEST(SaslClient, logs_in_to_our_own_server) {
  const auto server = make_exchange(mechanism::scram_sha_256, "servernonce");
  const auto c = make_client(mechanism::scram_sha_256, "u=1,", "the password", "clientnonce");
  ASSERT_EQ(server->begin(c->initial()), step::look_up);
  EXPECT_EQ(server->login(), "u=1,");
  ASSERT_EQ(server->give(make_scram_verifier("the password", "saltsaltsalt")), step::challenge);
  ASSERT_EQ(server->respond(*c->respond(server->challenge())), step::proved);
  ASSERT_EQ(server->conclude(true), step::challenge);
  EXPECT_EQ(server->respond(*c->respond(server->challenge())), step::succeeded);
  EXPECT_TRUE(c->may_succeed());
}

// ---- access tokens

TEST(SaslClientToken, goes_by_xoauth2_as_google_describes_it) {
  const auto c =
      make_client(mechanism::xoauth2, "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg", "");
  EXPECT_EQ(c->initial(), "user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1");
  EXPECT_TRUE(c->may_succeed());
}

TEST(SaslClientToken, goes_by_oauthbearer_as_rfc_7628_has_it) {
  const auto c =
      make_client(mechanism::oauthbearer, "us,er@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", "");
  EXPECT_EQ(c->initial(), "n,a=us=2Cer@example.com,\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1");
}

TEST(SaslClientToken, answers_the_refusal_and_keeps_its_status) {
  for (const auto& [m, goes_on] : {std::pair{mechanism::xoauth2, ""s}, std::pair{mechanism::oauthbearer, "\1"s}}) {
    for (const auto& [json, status] : {
             std::pair{R"({"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"})"s, "400"s},
             std::pair{R"({ "schemes":"bearer", "status" : "invalid_token" })"s, "invalid_token"s},
             std::pair{R"({"status":401})"s, "401"s},
             std::pair{""s, "no status"s},
             std::pair{R"({"status)"s, "no status"s},
             std::pair{R"({"status")"s, "no status"s},
             std::pair{"{\"status\":\"\x07\"}"s, "no status"s},
             std::pair{R"({"status":")"s + std::string(300, 'x'), std::string(64, 'x')},
         }) {
      const auto c = make_client(m, "user", "token", "");
      (void)c->initial();
      EXPECT_EQ(c->respond(json), goes_on);
      EXPECT_EQ(c->refusal(), status) << json;
      EXPECT_FALSE(c->may_succeed());
      EXPECT_FALSE(c->respond(json));
    }
  }
}

TEST(SaslClientToken, is_offered_to_who_takes_tokens) {
  offered_mechanisms offered;
  add_offered("PLAIN", offered);
  EXPECT_EQ(choose_for_token(offered), std::nullopt);
  add_offered("OAUTHBEARER", offered);
  EXPECT_EQ(choose_for_token(offered), mechanism::oauthbearer);
  add_offered("xoauth2", offered);
  EXPECT_EQ(choose_for_token(offered), mechanism::xoauth2);
}

TEST(SaslClientToken, is_printable_ascii_without_blanks) {
  EXPECT_TRUE(is_access_token("ya29.a0Af-_~+/=="));
  for (const auto& bad : {""s, "two words"s, "line\n"s, "\1"s, "токен"s, std::string(token_bytes_max + 1, 'x')})
    EXPECT_FALSE(is_access_token(bad)) << bad;
}

}  // namespace
}  // namespace gonets::sasl
