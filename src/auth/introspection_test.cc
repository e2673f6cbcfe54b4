#include "auth/introspection.h"

#include <gtest/gtest.h>

namespace gonets::auth {
namespace {

using namespace std::chrono_literals;

const wall_time now{1'740'830'400s};

TEST(introspection, takes_the_login_of_an_active_token) {
  const auto facts = read_introspection(R"({"active":true,"username":"alice","sub":"x","exp":1740830430})", now);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->login, "alice");
  EXPECT_EQ(facts->lives_for, 30s);
  EXPECT_EQ(read_introspection(R"({"active":true,"sub":"bob"})", now)->login, "bob");
}

TEST(introspection, takes_no_login_of_a_token_that_is_not_good) {
  for (const auto* body :
       {R"({"active":false})", R"({"active":true})", R"({"active":true,"username":7})",
        R"({"active":true,"username":"a","exp":1740830400})", R"({"active":false,"username":"alice"})"}) {
    const auto facts = read_introspection(body, now);
    ASSERT_TRUE(facts) << body;
    EXPECT_EQ(facts->login, std::nullopt) << body;
  }
}

TEST(introspection, is_not_answered_by_anything_else) {
  for (const auto* body : {"", "null", "[]", "{}", R"({"active":"true"})", R"({"active":true)", "<html>",
                           R"({"active":true,"username":"a","exp":"soon"})"})
    EXPECT_FALSE(read_introspection(body, now)) << body;
}

TEST(introspection, bounds_what_an_expiry_may_be) {
  const auto facts = read_introspection(R"({"active":true,"username":"a","exp":9223372036854775807})", now);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->lives_for, 1'000'000s);
}

}  // namespace
}  // namespace gonets::auth
