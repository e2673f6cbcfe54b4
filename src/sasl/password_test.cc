#include "sasl/password.h"

#include <gtest/gtest.h>

#include "base/hex_test_support.h"
#include "base/secret.h"

namespace gonets::sasl {
namespace {

constexpr argon2_cost cheap{.memory_kib = 64, .passes = 1, .lanes = 1};
constexpr std::string_view salt = "saltsaltsaltsalt";

TEST(password, is_verified_against_its_own_hash_and_no_other) {
  const auto hash = hash_password("open sesame", salt, cheap);
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$")) << hash;
  EXPECT_TRUE(verify_password("open sesame", hash));
  EXPECT_FALSE(verify_password("open sesam", hash));
  EXPECT_FALSE(verify_password("", hash));
  EXPECT_NE(hash, hash_password("open sesame", "othersaltothers!", cheap));
}

// From the reference implementation's test.c, argon2id version 19.
TEST(password, reproduces_the_hash_of_the_reference_implementation) {
  EXPECT_EQ(hash_password("password", "somesalt", {.memory_kib = 65536, .passes = 2, .lanes = 1}),
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
}

TEST(password, costs_by_default_what_owasp_asks_for) {
  EXPECT_TRUE(hash_password("x", salt).starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

TEST(password, holds_any_octets_and_is_bounded) {
  const std::string odd("a\0b\xff", 4);
  EXPECT_TRUE(verify_password(odd, hash_password(odd, salt, cheap)));
  const std::string longest(password_bytes_max, 'x');
  EXPECT_TRUE(verify_password(longest, hash_password(longest, salt, cheap)));
  EXPECT_THROW(hash_password(longest + "x", salt, cheap), std::invalid_argument);
  EXPECT_FALSE(verify_password(longest + "x", hash_password(longest, salt, cheap)));
  EXPECT_THROW(hash_password("x", "short", cheap), std::invalid_argument);
}

TEST(password, matches_nothing_that_is_not_a_bearable_argon2id_hash) {
  const auto good = hash_password("x", salt, cheap);
  for (const std::string& bad :
       {std::string(), std::string("x"), std::string("$argon2id$"), good.substr(0, 40), "$argon2i" + good.substr(9),
        std::string("$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$aGFzaA"),
        std::string("$argon2id$v=19$m=64,t=99999,p=1$c2FsdHNhbHQ$aGFzaA")}) {
    EXPECT_FALSE(verify_password("x", bad)) << bad;
  }
}

// RFC 7677 3: user "user", password "pencil".
TEST(scram_verifier, checks_the_proof_and_gives_the_signature_of_rfc_7677) {
  const auto kept = make_scram_verifier("pencil", from_hex("5b6d99689d12358eeca04b141236fa81"));
  EXPECT_EQ(kept.iterations, 4096u);
  const std::string_view auth_message =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
      "i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  EXPECT_EQ(to_hex(hmac_sha256(kept.server_key, auth_message)),
            "eabae24d1062db75a9451ff0b6ea7e98c8546549ff741e672d3251b2397de46e");
  auto client_key = from_hex("747cdb65aa56224e2352137e52d7bdcad6a0f738df30782caa69a2cfb0277554");  // the proof
  const auto signature = hmac_sha256(kept.stored_key, auth_message);
  for (std::size_t i = 0; i < client_key.size(); ++i)
    client_key[i] = static_cast<char>(client_key[i] ^ signature[i]);
  EXPECT_EQ(sha256(client_key), kept.stored_key);
}

TEST(scram_verifier, is_empty_for_what_only_a_whole_saslprep_could_prepare) {
  EXPECT_EQ(make_scram_verifier("p\xc3\xa4ssword", salt), scram_verifier{});
  EXPECT_EQ(make_scram_verifier("tab\there", salt), scram_verifier{});
  EXPECT_EQ(make_scram_verifier("", salt), scram_verifier{});
}

}  // namespace
}  // namespace gonets::sasl
