#include "message/verp.h"

#include <gtest/gtest.h>

namespace gonets::message {
namespace {

verp_signer signer(std::uint8_t seed = 1, verp_purpose what_for = verp_purpose::return_path) {
  verp_signer::key k{};
  k[0] = seed;
  return verp_signer(k, what_for);
}

const verp some{message_id{0x123456789abcdef}, recipient_index{300}};

TEST(verp, is_read_back_whatever_becomes_of_its_case) {
  for (const auto& of :
       {some, verp{message_id{1}, recipient_index{0}}, verp{message_id{(1ull << 60) - 1}, recipient_index{65535}}}) {
    auto text = signer().local_part(of);
    EXPECT_LE(text.size(), 64u);  // RFC 5321 4.5.3.1.1
    EXPECT_EQ(signer().open(text), of) << text;
    for (char& c : text)
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ(signer().open(text), of) << text;
  }
}

TEST(verp, has_the_form_that_addresses_out_there_have) {
  EXPECT_EQ(signer().local_part(some).substr(0, 19), "b-28t5cy4tqkff-300-");
}

TEST(verp, is_good_for_its_purpose_alone) {
  const auto unsubscribing = signer(1, verp_purpose::unsubscribe);
  const auto token = unsubscribing.token(some);
  EXPECT_EQ(unsubscribing.local_part(some), "u-" + token);
  EXPECT_EQ(unsubscribing.open_token(token), some);
  EXPECT_EQ(unsubscribing.open("U-" + token), some);
  for (const auto& other : {"b-" + token, "b-" + signer().token(some), "u-" + signer().token(some), token, "u" + token})
    EXPECT_FALSE(unsubscribing.open(other)) << other;
  EXPECT_FALSE(unsubscribing.open_token(signer().token(some)));
  EXPECT_FALSE(unsubscribing.open_token("u-" + token));
  EXPECT_FALSE(signer().open("b-" + token));
}

TEST(verp, is_good_for_what_it_is_about_alone) {
  const auto token = signer().token(some, "x");
  EXPECT_EQ(signer().open_token(token, "x"), some);
  for (const auto* other : {"", "y", "xx"})
    EXPECT_FALSE(signer().open_token(token, other)) << other;
}

TEST(verp, is_found_whatever_stands_around_it) {
  const auto token = signer().token(some), address = signer().local_part(some);
  for (const auto& text :
       {token, address, "<" + address + "@bounce.test>", "prvs=1234abcd=" + address + "@bounce.test",
        "SRS0=x7=K2=bounce.test=" + address + "@far.test", token + ":news:bulk:shop:gonets",
        "<https://mail.test/u/" + token + ">, <mailto:x@y.test>", "x-1-2 b-" + token + "-3 " + token})
    EXPECT_EQ(signer().find_in(text), some) << text;
  for (const auto& text : {std::string(), "x" + token, token + "x", signer(2).token(some), std::string("b-")})
    EXPECT_FALSE(signer().find_in(text)) << text;
}

TEST(verp, that_another_key_made_or_that_was_changed_anywhere_counts_for_nothing) {
  const auto text = signer().local_part(some);
  EXPECT_FALSE(signer(2).open(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == '7' ? '8' : '7';
    EXPECT_FALSE(signer().open(changed)) << changed;
    EXPECT_FALSE(signer().open(text.substr(0, i))) << i;
  }
  EXPECT_FALSE(signer().open(text + "0"));
  for (const auto* index : {"+300", "0300", "", "65836", "300-0"})
    EXPECT_FALSE(signer().open("b-28t5cy4tqkff-" + std::string(index) + text.substr(18))) << index;
}

}  // namespace
}  // namespace gonets::message
