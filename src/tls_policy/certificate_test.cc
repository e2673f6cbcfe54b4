#include "tls_policy/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gonets::tls_policy {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr wall_time now = std::chrono::sys_days(std::chrono::year(2025) / 3 / 1) + 12h;

TEST(certificate, is_made_for_names_and_a_time_and_is_read_again) {
  const auto made = make_self_signed({"mail.example.com", "Localhost"}, now, std::chrono::days(30));
  const auto facts = read_certificate(made.certificate);
  ASSERT_TRUE(facts);
  EXPECT_THAT(facts->names, ElementsAre("localhost", "mail.example.com"));
  EXPECT_EQ(facts->subject, "mail.example.com");
  EXPECT_EQ(facts->issuer, "mail.example.com");
  EXPECT_EQ(facts->name(), "localhost");
  EXPECT_EQ(facts->not_before, now - 24h);
  EXPECT_EQ(facts->not_after, now + 30 * 24h);
  EXPECT_TRUE(facts->self_signed);
  EXPECT_EQ(facts->sha256.size(), 64u);
  EXPECT_NE(facts->sha256,
            read_certificate(make_self_signed({"a.test"}, now, std::chrono::days(1)).certificate)->sha256);
}

TEST(certificate, of_a_name_longer_than_a_common_name_still_bears_it) {
  const auto name = std::string(60, 'a') + "." + std::string(60, 'b') + ".example.com";
  const auto facts = read_certificate(make_self_signed({name}, now, std::chrono::days(1)).certificate);
  ASSERT_TRUE(facts);
  EXPECT_THAT(facts->names, ElementsAre(name));
}

TEST(certificate, is_not_read_from_other_text) {
  const auto made = make_self_signed({"a.test"}, now, std::chrono::days(1));
  for (const auto& text : {std::string(), std::string("-----BEGIN CERTIFICATE-----\n"), made.key,
                           made.certificate.substr(0, made.certificate.size() / 2)}) {
    const auto facts = read_certificate(text);
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error(), "no certificate in PEM");
  }
}

TEST(certificate, knows_its_key_from_others) {
  const auto own = make_self_signed({"a.test"}, now, std::chrono::days(1));
  const auto other = make_self_signed({"a.test"}, now, std::chrono::days(1));
  EXPECT_EQ(key_mismatch(own.certificate, own.key), "");
  EXPECT_EQ(key_mismatch(own.certificate, other.key), "the key does not belong to the certificate");
  EXPECT_EQ(key_mismatch(own.certificate, own.certificate), "there is no private key in PEM without a passphrase");
  EXPECT_EQ(key_mismatch(own.key, own.key), "there is no certificate in PEM");
}

}  // namespace
}  // namespace gonets::tls_policy
