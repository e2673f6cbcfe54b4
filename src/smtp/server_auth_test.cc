#include <gtest/gtest.h>

#include "smtp/testing/server_fixture.h"

namespace gonets::smtp {
namespace {

using namespace testing;

constexpr std::string_view ehlo = "EHLO client.example\r\n";
const auth_offer offered{"PLAIN LOGIN SCRAM-SHA-256"};

// What is said to the last of `commands`, each one line.
std::string said(std::string_view before, std::string_view last, const auth_offer& offer = offered,
                 const server_options& o = some_options()) {
  scripted_owner owner(o);
  owner.session().offer_auth(offer);
  owner.feed(before);
  return owner.feed(last);
}

TEST(server_auth, is_advertised_to_who_may_use_it) {
  EXPECT_NE(said("", ehlo).find("250-AUTH PLAIN LOGIN SCRAM-SHA-256\r\n"), std::string::npos);
  EXPECT_EQ(said("", ehlo, {}).find("AUTH"), std::string::npos);
  EXPECT_EQ(said("", ehlo, {"", true}).find("AUTH"), std::string::npos);
  EXPECT_EQ(said("", "HELO x\r\n").find("AUTH"), std::string::npos);
}

TEST(server_auth, asks_the_owner_with_what_the_client_sends_and_passes_his_challenges_on) {
  scripted_owner owner(some_options());
  owner.session().offer_auth(offered);
  owner.feed(ehlo);
  EXPECT_EQ(owner.feed("auth login\r\n"), "334 bmFtZQ==\r\n");
  EXPECT_EQ(owner.feed("dGVzdA==\r\n"), "334 c2VjcmV0\r\n");
  EXPECT_EQ(owner.feed("MTIzNA==\r\n"), "235 2.7.0 Authentication successful\r\n");
  EXPECT_EQ(owner.session().auth_mechanism(), "LOGIN");
  EXPECT_EQ(owner.auth_responses(), (std::vector<std::string>{"test", "1234"}));
  EXPECT_TRUE(owner.session().authenticated());
  EXPECT_EQ(owner.feed(ehlo).find("AUTH"), std::string::npos);
  EXPECT_TRUE(owner.session().authenticated());
}

TEST(server_auth, takes_an_initial_response_also_an_empty_one) {
  scripted_owner owner(some_options());
  owner.session().offer_auth(offered);
  owner.feed(ehlo);
  EXPECT_EQ(owner.feed("AUTH PLAIN =\r\n"), "334 c2VjcmV0\r\n");
  EXPECT_EQ(owner.feed("\r\n"), "235 2.7.0 Authentication successful\r\n");
  EXPECT_EQ(owner.auth_responses(), (std::vector<std::string>{"", ""}));
}

TEST(server_auth, is_refused_where_it_is_out_of_order) {
  EXPECT_TRUE(said("", "AUTH PLAIN\r\n").starts_with("503 5.5.1 "));
  EXPECT_TRUE(said("HELO x\r\n", "AUTH PLAIN\r\n").starts_with("503 5.5.1 "));
  EXPECT_TRUE(said("EHLO x\r\nMAIL FROM:<>\r\n", "AUTH PLAIN\r\n").starts_with("503 5.5.1 "));
  EXPECT_TRUE(said("EHLO x\r\nAUTH PLAIN =\r\n\r\n", "AUTH PLAIN\r\n").starts_with("503 5.5.1 "));
  EXPECT_TRUE(said(ehlo, "AUTH\r\n").starts_with("501 5.5.4 "));
  EXPECT_TRUE(said(ehlo, "AUTH CRAM-MD5\r\n").starts_with("504 5.5.4 "));
  EXPECT_TRUE(said(ehlo, "AUTH PLAI\r\n").starts_with("504 5.5.4 "));
  EXPECT_TRUE(said(ehlo, "AUTH PLAIN !\r\n").starts_with("501 5.5.2 "));
  EXPECT_TRUE(said(ehlo, "AUTH PLAIN\r\n", {}).starts_with("502 5.5.1 "));
  EXPECT_TRUE(said(ehlo, "AUTH PLAIN\r\n", {"", true}).starts_with("538 5.7.11 "));
}

TEST(server_auth, ends_when_the_client_cancels_or_says_what_is_no_response) {
  for (const auto& [response, reply] : {std::pair{"*\r\n", "501 5.7.0 "},
                                        {"!\r\n", "501 5.5.2 "},
                                        {"a\nb\r\n", "501 5.5.2 "},
                                        {"QUIT\t\r\n", "501 5.5.2 "}}) {
    scripted_owner owner(some_options());
    owner.session().offer_auth(offered);
    owner.feed("EHLO x\r\nAUTH LOGIN\r\n");
    EXPECT_TRUE(owner.feed(response).starts_with(reply)) << response;
    EXPECT_FALSE(owner.session().authenticated());
    EXPECT_TRUE(owner.feed("NOOP\r\n").starts_with("250 ")) << response;
  }
}

TEST(server_auth, bounds_its_lines) {
  const std::string fits(12'284, 'A'), more(12'288, 'A');
  EXPECT_TRUE(said("EHLO x\r\nAUTH LOGIN\r\n", fits + "\r\n").starts_with("334 "));
  EXPECT_TRUE(said("EHLO x\r\nAUTH LOGIN\r\n", more + "\r\n").starts_with("500 5.5.6 "));
  EXPECT_TRUE(said(ehlo, "AUTH PLAIN " + std::string(12'000, 'A') + "\r\n").starts_with("334 "));
  EXPECT_TRUE(said(ehlo, "NOOP " + std::string(3000, 'A') + "\r\n").starts_with("500 5.5.2 "));
  EXPECT_TRUE(said("EHLO x\r\nAUTH LOGIN\r\n" + more + "\r\n", "NOOP\r\n").starts_with("250 "));
}

TEST(server_auth, leaves_the_client_a_stranger_when_the_owner_refuses) {
  scripted_owner owner(some_options());
  owner.session().offer_auth(offered);
  owner.policy = [](const server_session&, need n) {
    return n == need::auth ? std::optional(reply{535, {5, 7, 8}, "Authentication failed"}) : std::nullopt;
  };
  EXPECT_TRUE(
      owner.feed("EHLO x\r\nAUTH PLAIN AHgAeA==\r\nAHgAeA==\r\n").ends_with("535 5.7.8 Authentication failed\r\n"));
  EXPECT_FALSE(owner.session().authenticated());
  EXPECT_TRUE(owner.feed("AUTH PLAIN\r\n").starts_with("334 "));
}

TEST(server_auth, is_forgotten_when_tls_starts_and_keeps_tls_from_starting) {
  auto o = some_options();
  o.offer_starttls = true;
  scripted_owner owner(o);
  owner.under_tls = {"PLAIN"};
  EXPECT_EQ(owner.feed("EHLO x\r\n").find("AUTH"), std::string::npos);
  owner.feed("STARTTLS\r\n");
  EXPECT_TRUE(owner.feed("AUTH PLAIN\r\n").starts_with("503 5.5.1 "));  // EHLO is forgotten
  EXPECT_NE(owner.feed("EHLO x\r\n").find("250-AUTH PLAIN\r\n"), std::string::npos);

  scripted_owner clear(o);
  clear.session().offer_auth(offered);
  clear.feed("EHLO x\r\nAUTH LOGIN\r\n\r\n\r\n");
  EXPECT_TRUE(clear.session().authenticated());
  EXPECT_EQ(clear.feed("EHLO x\r\n").find("STARTTLS"), std::string::npos);
  EXPECT_TRUE(clear.feed("STARTTLS\r\n").starts_with("503 5.5.1 "));
}

TEST(server_auth, lets_mail_carry_an_auth_parameter_where_it_is_offered) {
  for (const auto* good : {"AUTH=<>", "AUTH=e+3Dmc2@example.com", "auth=x BODY=8BITMIME"})
    EXPECT_TRUE(said(ehlo, std::string("MAIL FROM:<a@a.example> ") + good + "\r\n").starts_with("250 ")) << good;
  for (const auto* bad : {"AUTH=", "AUTH", "AUTH=a=b", "AUTH=+zz", "AUTH=<> AUTH=<>"})
    EXPECT_TRUE(said(ehlo, std::string("MAIL FROM:<a@a.example> ") + bad + "\r\n").starts_with("501 5.5.4 ")) << bad;
  EXPECT_TRUE(said(ehlo, "MAIL FROM:<a@a.example> AUTH=<>\r\n", {}).starts_with("555 5.5.4 "));
}

TEST(server_auth, says_the_same_however_the_dialogue_is_cut) {
  const auto t = check_cut_everywhere(
      some_options(),
      std::string(ehlo) +
          "AUTH LOGIN\r\n*\r\nAUTH PLAIN !\r\nAUTH SCRAM-SHA-256 dA==\r\nbad\r\nAUTH LOGIN dGVzdA==\r\n" +
          "MTIzNA==\r\nAUTH PLAIN\r\n" +
          "MAIL FROM:<a@a.example> AUTH=<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n",
      offered);
  EXPECT_EQ(t.messages.size(), 1u);
  EXPECT_TRUE(t.closed);
}

TEST(server_auth, closes_a_session_at_once_when_told_so) {
  scripted_owner owner(some_options());
  owner.session().offer_auth(offered);
  owner.feed("EHLO x\r\nAUTH LOGIN\r\n");
  owner.session().disconnect({421, {4, 7, 0}, "Credential revoked"});
  EXPECT_EQ(owner.feed("MTIzNA==\r\n"), "421 4.7.0 Credential revoked\r\n");
  EXPECT_TRUE(owner.closed());
}

}  // namespace
}  // namespace gonets::smtp
