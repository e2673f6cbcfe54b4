#include "sasl/exchange.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/secret.h"

namespace gonets::sasl {
namespace {

using namespace std::string_literals;

std::unique_ptr<exchange> make(mechanism m) {
  return make_exchange(m, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
}

step first(mechanism m, std::string message) {
  return make(m)->begin(std::move(message));
}

TEST(exchange, knows_its_mechanisms_by_name) {
  for (const auto m : {mechanism::plain, mechanism::login, mechanism::scram_sha_256, mechanism::oauthbearer,
                       mechanism::xoauth2, mechanism::external})
    EXPECT_EQ(parse_mechanism(to_text(m)), m);
  EXPECT_EQ(parse_mechanism("CRAM-MD5"), std::nullopt);
}

TEST(plain, takes_login_and_password_with_or_without_an_initial_response) {
  const auto x = make(mechanism::plain);
  EXPECT_EQ(x->begin(std::nullopt), step::challenge);
  EXPECT_EQ(x->challenge(), "");
  EXPECT_EQ(x->respond("\0tim\0tanstaaftanstaaf"s), step::check_password);
  EXPECT_EQ(x->login(), "tim");
  EXPECT_EQ(x->secret(), "tanstaaftanstaaf");
  EXPECT_EQ(x->conclude(true), step::succeeded);
  EXPECT_EQ(first(mechanism::plain, "tim\0tim\0x"s), step::check_password);
}

TEST(plain, lets_nobody_act_for_somebody_else) {
  EXPECT_EQ(first(mechanism::plain, "Ursel\0Kurt\0xipj3plmq"s), step::failed);
}

TEST(plain, is_malformed_beyond_its_grammar_and_limits) {
  for (const auto& bad : {""s, "x"s, "\0x"s, "\0\0x"s, "\0x\0"s, "\0x\0y\0"s, "\0"s + std::string(256, 'x') + "\0y"s,
                          "\0x\0"s + std::string(1025, 'y')})
    EXPECT_EQ(first(mechanism::plain, bad), step::malformed);
}

TEST(login, asks_for_name_and_password) {
  const auto x = make(mechanism::login);
  EXPECT_EQ(x->begin(std::nullopt), step::challenge);
  EXPECT_EQ(x->challenge(), "Username:");
  EXPECT_EQ(x->respond("tim"), step::challenge);
  EXPECT_EQ(x->challenge(), "Password:");
  EXPECT_EQ(x->respond("secret"), step::check_password);
  EXPECT_EQ(x->login() + "/" + x->secret(), "tim/secret");
  EXPECT_EQ(x->conclude(false), step::failed);
  EXPECT_EQ(first(mechanism::login, "tim"), step::challenge);
  EXPECT_EQ(first(mechanism::login, ""), step::malformed);
}

const std::string rfc_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

TEST(scram, reproduces_the_exchange_of_rfc_7677) {
  const auto x = make(mechanism::scram_sha_256);
  EXPECT_EQ(x->begin("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), step::look_up);
  EXPECT_EQ(x->login(), "user");
  EXPECT_EQ(x->give(make_scram_verifier("pencil", *decode_base64("W22ZaJ0SNY7soEsUEjb6gQ=="))), step::challenge);
  EXPECT_EQ(x->challenge(), "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  EXPECT_EQ(x->respond(rfc_final), step::proved);
  EXPECT_EQ(x->conclude(true), step::challenge);
  EXPECT_EQ(x->challenge(), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  EXPECT_EQ(x->respond(""), step::succeeded);
}

TEST(scram, refuses_a_wrong_proof_nonce_or_verifier) {
  const auto kept = make_scram_verifier("pencil", *decode_base64("W22ZaJ0SNY7soEsUEjb6gQ=="));
  const auto final_with = [](const scram_verifier& v, std::string last) {
    const auto x = make(mechanism::scram_sha_256);
    x->begin("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    x->give(v);
    return x->respond(std::move(last));
  };
  auto wrong = rfc_final;
  wrong.replace(wrong.find("p=d"), 3, "p=e");
  EXPECT_EQ(final_with(kept, wrong), step::failed);
  auto replayed = rfc_final;
  replayed.replace(replayed.find("rOpr"), 4, "sOpr");
  EXPECT_EQ(final_with(kept, replayed), step::failed);
  EXPECT_EQ(final_with(make_scram_verifier("pencil2", kept.salt), rfc_final), step::failed);
  EXPECT_EQ(final_with({}, rfc_final), step::failed);
  EXPECT_EQ(final_with(kept, "c=eSws" + rfc_final.substr(6)), step::malformed);  // "y,,": another header than before
  EXPECT_EQ(final_with(kept, rfc_final.substr(0, 40)), step::malformed);
}

TEST(scram, is_malformed_beyond_its_grammar) {
  for (const auto& bad :
       {""s, "n"s, "n,,"s, "p=tls-unique,,n=u,r=x"s, "n,,n=u"s, "n,,n=u,r="s, "n,,m=x,n=u,r=x"s, "n,,n=u=2D,r=x"s,
        "n,,n=,r=x"s, "n,x,n=u,r=x"s, "n,,n=u,r=a b"s, "n,,n=u,r=" + std::string(300, 'x')})
    EXPECT_EQ(first(mechanism::scram_sha_256, bad), step::malformed) << bad;
  EXPECT_EQ(first(mechanism::scram_sha_256, "n,a=other,n=u,r=x"), step::failed);
  const auto x = make(mechanism::scram_sha_256);
  EXPECT_EQ(x->begin("y,a=a=2Cb=3D,n=a=2Cb=3D,r=x,ext=1"), step::look_up);
  EXPECT_EQ(x->login(), "a,b=");
}

TEST(oauthbearer, takes_the_token_and_tells_a_refusal_in_json) {
  const auto x = make(mechanism::oauthbearer);
  const auto message =
      "n,a=user@example.com,\1host=server.example.com\1port=143\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"s;
  EXPECT_EQ(x->begin(message), step::check_token);
  EXPECT_EQ(x->login(), "user@example.com");
  EXPECT_EQ(x->secret(), "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
  EXPECT_EQ(x->conclude(false), step::challenge);
  EXPECT_EQ(x->challenge(), R"({"status":"invalid_token"})");
  EXPECT_EQ(x->respond("\1"), step::failed);
  EXPECT_EQ(make(mechanism::oauthbearer)->begin("n,,\1auth=bearer x\1\1"), step::check_token);
}

TEST(xoauth2, takes_user_and_token) {
  const auto x = make(mechanism::xoauth2);
  EXPECT_EQ(x->begin("user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1"),
            step::check_token);
  EXPECT_EQ(x->login(), "someuser@example.com");
  EXPECT_EQ(x->secret(), "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
  EXPECT_EQ(x->conclude(true), step::succeeded);
}

TEST(oauth, is_malformed_beyond_its_grammar) {
  for (const auto& bad : {""s, "n,,"s, "n,,\1"s, "n,,\1\1"s, "n,,\1auth=Bearer \1\1"s, "n,,\1auth=Basic x\1\1"s,
                          "n,,\1auth=Bearer x\1"s, "n,,\1auth=Bearer x\1\1y"s, "n,,\1auth=Bearer x\1auth=Bearer y\1\1"s,
                          "n,,\1auth=Bearer a b\1\1"s, "n,,\1auth=Bearer " + std::string(8193, 'x') + "\1\1"})
    EXPECT_EQ(first(mechanism::oauthbearer, bad), step::malformed) << bad;
  for (const auto& bad : {""s, "user="s, "user=x"s, "user=\1auth=Bearer x\1\1"s, "user=x\1auth=Bearer x\1"s})
    EXPECT_EQ(first(mechanism::xoauth2, bad), step::malformed) << bad;
}

TEST(external, may_name_who_the_certificate_is_for) {
  const auto x = make(mechanism::external);
  EXPECT_EQ(x->begin(std::nullopt), step::challenge);
  EXPECT_EQ(x->respond(""), step::check_certificate);
  EXPECT_EQ(x->login(), "");
  EXPECT_EQ(x->conclude(true), step::succeeded);
  EXPECT_EQ(first(mechanism::external, "fred"), step::check_certificate);
  EXPECT_EQ(first(mechanism::external, "fr\0ed"s), step::malformed);
}

}  // namespace
}  // namespace gonets::sasl
