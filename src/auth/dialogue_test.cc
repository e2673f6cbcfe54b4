#include "auth/dialogue.h"

#include <openssl/evp.h>

#include "auth/authenticator_test_support.h"
#include "base/base64.h"
#include "base/secret.h"

namespace gonets::auth {
namespace {

using namespace std::string_literals;
using testing::from;

class dialogues : public testing::logins {
 protected:
  void open(sasl::mechanism by, const caller& who = from("192.0.2.1")) {
    now = std::make_unique<dialogue>(*all, who, by);
  }
  answer begin(std::optional<std::string> initial) {
    return waited<answer>([&](auto done) { now->begin(initial, std::move(done)); });
  }
  answer respond(std::string message) {
    return waited<answer>([&](auto done) { now->respond(message, std::move(done)); });
  }
  std::unique_ptr<dialogue> now;
};

// The client's half of SCRAM, from the salted password on.
std::string client_final(std::string_view password, const std::string& first_bare, const std::string& server_first) {
  const auto salt = *decode_base64(
      server_first.substr(server_first.find(",s=") + 3, server_first.find(",i=") - server_first.find(",s=") - 3));
  std::string salted(32, '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                    std::stoi(server_first.substr(server_first.find(",i=") + 3)), EVP_sha256(), 32,
                    reinterpret_cast<unsigned char*>(salted.data()));
  const auto key = hmac_sha256(salted, "Client Key");
  const auto without_proof = "c=biws," + server_first.substr(0, server_first.find(','));
  auto proof = hmac_sha256(sha256(key), first_bare + ',' + server_first + ',' + without_proof);
  for (std::size_t i = 0; i < proof.size(); ++i)
    proof[i] = static_cast<char>(proof[i] ^ key[i]);
  return without_proof + ",p=" + encode_base64(proof);
}

TEST_F(dialogues, logs_in_by_plain) {
  open(sasl::mechanism::plain);
  const auto a = begin("\0alice\0open sesame"s);
  EXPECT_EQ(a.result.code, 235);
  ASSERT_TRUE(a.who);
  EXPECT_EQ(a.who->account, account_id{1});
}

TEST_F(dialogues, says_the_same_of_a_wrong_login_password_and_identity) {
  for (const auto& message : {"\0alice\0wrong"s, "\0nobody\0x"s, "root\0alice\0open sesame"s}) {
    open(sasl::mechanism::plain, from("198.51.100." + std::to_string(message.size())));
    const auto a = begin(message);
    EXPECT_EQ(a.result, (reply{535, {5, 7, 8}, "Authentication credentials invalid"}));
    EXPECT_FALSE(a.who);
    EXPECT_GT(a.delay.count(), 0);
  }
}

TEST_F(dialogues, tells_a_malformed_response_from_a_wrong_one) {
  open(sasl::mechanism::plain);
  EXPECT_EQ(begin("nonsense").result.code, 501);
  EXPECT_FALSE(all->failures().unlock("192.0.2.1"));
}

TEST_F(dialogues, logs_in_by_scram) {
  open(sasl::mechanism::scram_sha_256);
  const auto first = begin("n,,n=alice,r=abc");
  ASSERT_TRUE(first.challenge);
  EXPECT_TRUE(first.challenge->starts_with("r=abc"));
  const auto last = respond(client_final("open sesame", "n=alice,r=abc", *first.challenge));
  ASSERT_TRUE(last.challenge) << last.result.text;
  EXPECT_TRUE(last.challenge->starts_with("v="));
  const auto a = respond("");
  EXPECT_EQ(a.result.code, 235);
  EXPECT_TRUE(a.who);
  EXPECT_EQ(hashes(), 0u);
}

TEST_F(dialogues, gives_an_unknown_login_a_salt_of_its_own_that_stays) {
  const auto server_first = [&](const std::string& login) {
    open(sasl::mechanism::scram_sha_256);
    auto text = *begin("n,,n=" + login + ",r=abc").challenge;
    return text.substr(text.find(",s="));
  };
  EXPECT_EQ(server_first("nobody"), server_first("nobody"));
  EXPECT_NE(server_first("nobody"), server_first("no one"));
  EXPECT_TRUE(server_first("nobody").ends_with(",i=4096"));

  open(sasl::mechanism::scram_sha_256);
  const auto first = begin("n,,n=nobody,r=abc");
  EXPECT_EQ(respond(client_final("x", "n=nobody,r=abc", *first.challenge)).result.code, 535);
}

TEST_F(dialogues, refuses_a_wrong_scram_proof_and_one_of_who_may_not_send) {
  for (const auto& [login, password] : {std::pair{"alice"s, "wrong"s}, {"reader"s, "can only read"s}}) {
    open(sasl::mechanism::scram_sha_256);
    const auto first = begin("n,,n=" + login + ",r=abc");
    const auto a = respond(client_final(password, "n=" + login + ",r=abc", *first.challenge));
    EXPECT_FALSE(a.challenge) << login;
    EXPECT_EQ(a.result.code, 535) << login;
    EXPECT_GT(a.delay.count(), 0) << login;
  }
}

TEST_F(dialogues, logs_in_by_token_and_lets_the_client_acknowledge_a_refusal) {
  open(sasl::mechanism::xoauth2);
  EXPECT_EQ(begin("user=alice\1auth=Bearer good-token\1\1").result.code, 235);
  open(sasl::mechanism::xoauth2);
  EXPECT_TRUE(begin("user=reader\1auth=Bearer good-token\1\1").challenge);
  EXPECT_EQ(respond("").result.code, 535);
  open(sasl::mechanism::xoauth2);
  EXPECT_TRUE(begin("user=alice\1auth=Bearer bad\1\1").challenge);
  EXPECT_EQ(respond("\1").result.code, 535);
  open(sasl::mechanism::xoauth2, from("192.0.2.2"));
  EXPECT_EQ(begin("user=alice\1auth=Bearer down\1\1").result.code, 454);
}

TEST_F(dialogues, logs_in_by_the_certificate_of_the_connection) {
  auto who = from("192.0.2.1");
  who.certificate_sha256 = std::string(64, 'a');
  open(sasl::mechanism::external, who);
  EXPECT_EQ(begin("").result.code, 235);
  open(sasl::mechanism::external, who);
  EXPECT_EQ(begin("alice").result.code, 235);
  open(sasl::mechanism::external, who);
  EXPECT_EQ(begin("reader").result.code, 535);
  open(sasl::mechanism::external);
  EXPECT_EQ(begin("alice").result.code, 535);
}

TEST_F(dialogues, sends_a_locked_source_away) {
  for (int i = 0; i < 3; ++i)
    password("nobody", "x");
  open(sasl::mechanism::scram_sha_256);
  EXPECT_EQ(begin("n,,n=alice,r=abc").result, reply_for(verdict::locked));
  open(sasl::mechanism::plain);
  EXPECT_EQ(begin("\0alice\0open sesame"s).result.code, 421);
}

}  // namespace
}  // namespace gonets::auth
