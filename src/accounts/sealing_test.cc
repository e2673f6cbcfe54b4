#include "accounts/sealing.h"

#include <gtest/gtest.h>

namespace gonets::accounts {
namespace {

const seal::key some_key = *seal::parse_key("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

// docs/formats/accounts.md cites these bytes.
TEST(seal, writes_the_format_that_is_documented) {
  const std::array<std::uint8_t, 12> nonce{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const seal with(some_key);
  const std::string golden = "1:AAECAwQFBgcICQoLNGe1aaCRd6a7WrQwR9DQ/8tw676nnQ==";
  EXPECT_EQ(with.close("secret", "domain_key 7 g1", nonce), golden);
  EXPECT_EQ(with.open(golden, "domain_key 7 g1"), "secret");
}

TEST(seal, opens_nothing_with_another_key_for_another_row_or_after_a_change) {
  const seal with(some_key);
  const auto sealed = with.close("a secret", "domain_key 7 g1");  // whose base64 has no spare bits
  EXPECT_EQ(with.open(sealed, "domain_key 7 g1"), "a secret");
  EXPECT_FALSE(with.open(sealed, "domain_key 8 g1"));
  auto other_key = some_key;
  other_key[0] ^= 1;
  EXPECT_FALSE(seal(other_key).open(sealed, "domain_key 7 g1"));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(with.open(changed, "domain_key 7 g1")) << i;
    EXPECT_FALSE(with.open(sealed.substr(0, i), "domain_key 7 g1")) << i;
  }
}

TEST(seal, never_seals_the_same_twice) {
  const seal with(some_key);
  EXPECT_NE(with.close("secret", "x"), with.close("secret", "x"));
}

TEST(seal, reads_a_key_in_hex_and_in_base64) {
  EXPECT_EQ(seal::parse_key(" AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"), some_key);
  EXPECT_FALSE(seal::parse_key(""));
  EXPECT_FALSE(seal::parse_key("AAECAw=="));
  EXPECT_FALSE(seal::parse_key(std::string(63, '0')));
}

TEST(random_text, is_of_letters_and_digits_and_as_long_as_asked) {
  const auto text = random_text(1000);
  EXPECT_EQ(text.size(), 1000u);
  EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), text.npos);
  EXPECT_NE(text, random_text(1000));
}

}  // namespace
}  // namespace gonets::accounts
