#include "webhooks/signature.h"

#include <gtest/gtest.h>

namespace gonets::webhooks {
namespace {

constexpr std::string_view secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::string_view body = R"({"test": 2432232314})";

// The example of the Standard Webhooks libraries.
TEST(webhook_signature, is_that_of_the_standard) {
  EXPECT_EQ(sign(secret, "", id, 1614265330, body), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(webhook_signature, has_one_of_each_secret_while_they_rotate) {
  const auto other = make_secret();
  EXPECT_EQ(sign(other, secret, id, 1614265330, body),
            sign(other, "", id, 1614265330, body) + " " + sign(secret, "", id, 1614265330, body));
}

TEST(webhook_signature, makes_secrets_that_it_can_use_and_no_two_alike) {
  EXPECT_TRUE(is_secret(make_secret()));
  EXPECT_NE(make_secret(), make_secret());
  EXPECT_TRUE(is_secret(secret));
  EXPECT_FALSE(is_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
  EXPECT_FALSE(is_secret("whsec_c2hvcnQ="));
  EXPECT_FALSE(is_secret("whsec_?"));
}

}  // namespace
}  // namespace gonets::webhooks
