#include "tls_policy/mta_sts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace gonets::tls_policy {
namespace {

using namespace std::chrono_literals;

std::string error_of(std::string_view text) {
  const auto policy = parse_sts_policy(text);
  return policy ? "accepted" : policy.error();
}

TEST(sts_record, gives_the_id_that_it_announces) {
  EXPECT_EQ(sts_record_id({"v=STSv1; id=20160831085700Z;"}), "20160831085700Z");
  EXPECT_EQ(sts_record_id({"v=STSv1;id=1"}), "1");
  EXPECT_EQ(sts_record_id({"v=STSv1 ;\tx.y-z=a:b ; id=abc ;"}), "abc");
  EXPECT_EQ(sts_record_id({"v=STSv1; id=first; id=second"}), "first");
}

TEST(sts_record, is_looked_for_among_records_of_other_kinds) {
  EXPECT_EQ(sts_record_id({"v=spf1 -all", "v=STSv1; id=1", "v=STSv12; id=2"}), "1");
}

TEST(sts_record, announces_nothing_when_it_is_not_the_only_one_or_incorrect) {
  EXPECT_FALSE(sts_record_id({}));
  EXPECT_FALSE(sts_record_id({"v=STSv1; id=1", "v=STSv1; id=1"}));
  EXPECT_FALSE(sts_record_id({"v=STSv1"}));
  EXPECT_FALSE(sts_record_id({"v=STSv1; id="}));
  EXPECT_FALSE(sts_record_id({"v=STSv1; id=with-dash"}));
  EXPECT_FALSE(sts_record_id({"v=STSv1; id=123456789012345678901234567890123"}));
  EXPECT_FALSE(sts_record_id({"v=STSv1; id=1; nonsense"}));
  EXPECT_FALSE(sts_record_id({" v=STSv1; id=1"}));
  EXPECT_FALSE(sts_record_id({"V=STSv1; id=1"}));
}

TEST(sts_policy, is_read_as_rfc_8461_shows_it) {
  const auto policy = parse_sts_policy(
      "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\n"
      "max_age: 604800\r\n");
  ASSERT_TRUE(policy) << policy.error();
  EXPECT_EQ(policy->mode, sts_mode::enforce);
  EXPECT_EQ(policy->max_age, 604'800s);
  EXPECT_EQ(policy->mx, (std::vector<std::string>{"mail.example.com", "*.example.net", "backupmx.example.com"}));
}

TEST(sts_policy, may_end_lines_with_lf_and_have_fields_that_are_not_known) {
  const auto policy = parse_sts_policy("max_age:10 \nfuture: x\nmode:testing\nversion:  STSv1\nmx:MX.Example.com");
  ASSERT_TRUE(policy) << policy.error();
  EXPECT_EQ(policy->mx, std::vector<std::string>{"mx.example.com"});
}

TEST(sts_policy, counts_the_first_of_a_field_that_comes_twice) {
  const auto policy =
      parse_sts_policy("version: STSv1\nmode: testing\nmode: enforce\nmax_age: 1\nmax_age: 2\nmx: a.b\n");
  ASSERT_TRUE(policy) << policy.error();
  EXPECT_EQ(policy->mode, sts_mode::testing);
  EXPECT_EQ(policy->max_age, 1s);
}

TEST(sts_policy, of_mode_none_needs_no_mx) {
  EXPECT_TRUE(parse_sts_policy("version: STSv1\nmode: none\nmax_age: 86400\n"));
}

TEST(sts_policy, holds_no_longer_than_the_rfc_allows) {
  EXPECT_EQ(parse_sts_policy("version: STSv1\nmode: none\nmax_age: 9999999999\n")->max_age, sts_age_max);
}

TEST(sts_policy, says_what_is_wrong) {
  EXPECT_EQ(error_of(""), "version is not STSv1");
  EXPECT_EQ(error_of("version: STSv2\nmode: none\nmax_age: 1\n"), "version is not STSv1");
  EXPECT_EQ(error_of("version: STSv1\nmax_age: 1\nmx: a.b\n"), "mode is missing");
  EXPECT_EQ(error_of("version: STSv1\nmode: Enforce\nmax_age: 1\nmx: a.b\n"), "mode is not enforce, testing or none");
  EXPECT_EQ(error_of("version: STSv1\nmode: enforce\nmx: a.b\n"), "max_age is missing");
  EXPECT_EQ(error_of("version: STSv1\nmode: enforce\nmax_age: -1\nmx: a.b\n"), "max_age is not a number of seconds");
  EXPECT_EQ(error_of("version: STSv1\nmode: enforce\nmax_age: 1 day\nmx: a.b\n"), "max_age is not a number of seconds");
  EXPECT_EQ(error_of("version: STSv1\nmode: enforce\nmax_age: 1\n"), "no mx field");
  EXPECT_EQ(error_of("version: STSv1\nmode: enforce\nmax_age: 1\nmx: *.*.b\n"),
            "an mx field is no host name, nor a wildcard of one");
  EXPECT_EQ(error_of("<html>Not found</html>"), "a line is not \"name: value\"");
  EXPECT_EQ(error_of("version: STSv1\rmode: none\nmax_age: 1\n"), "a line has control characters");
  EXPECT_EQ(error_of(std::string(sts_policy_bytes_max + 1, ' ')), "the policy is too large");
}

TEST(sts_policy, has_a_bounded_number_of_mx_fields) {
  std::string text = "version: STSv1\nmode: enforce\nmax_age: 1\n";
  for (std::size_t i = 0; i <= sts_patterns_max; ++i)
    text += fmt::format("mx: mx{}.example.com\n", i);
  EXPECT_EQ(error_of(text), "more than 256 mx fields");
}

TEST(sts_policy, keeps_the_lines_that_it_was_read_from) {
  const auto policy = parse_sts_policy(
      "version: STSv1\nfuture: x\nmode: testing\nmode: none\nmx: mx.example.com\nmx:*.Example.net\nmax_age:86400\n");
  ASSERT_TRUE(policy) << policy.error();
  EXPECT_EQ(policy->lines, (std::vector<std::string>{"version: STSv1", "mode: testing", "mx: mx.example.com",
                                                     "mx: *.example.net", "max_age: 86400"}));
}

}  // namespace
}  // namespace gonets::tls_policy
