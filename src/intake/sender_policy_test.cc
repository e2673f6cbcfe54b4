#include "intake/sender_policy.h"

#include <gtest/gtest.h>

namespace gonets::intake {
namespace {

constexpr account_id shop{7};

accounts::directory directory() {
  accounts::contents all;
  for (const auto* name : {"example.com", "xn--mller-kva.example"}) {
    accounts::sender_domain d;
    d.account = shop;
    d.name = name;
    d.verified = true;
    all.domains.push_back(d);
  }
  return accounts::directory(std::move(all));
}

sender_objection judge(std::string_view header) {
  const auto text = std::string(header) + "\r\nbody\r\n";
  const auto summary = message::scan_header(text, {});
  EXPECT_TRUE(summary);
  return judge_header(directory(), shop, *summary, text.size());
}

TEST(sender_policy, lets_an_account_use_its_domains_and_those_below) {
  const auto all = directory();
  EXPECT_FALSE(judge_reverse_path(all, shop, "a@example.com"));
  EXPECT_FALSE(judge_reverse_path(all, shop, "b+x=y.z@bounce.example.com"));
  EXPECT_FALSE(judge_reverse_path(all, shop, ""));
  EXPECT_FALSE(judge("From: Shop <a@Example.COM>\r\n"));
  EXPECT_FALSE(judge("From: a@news.example.com\r\nSender: b@example.com\r\n"));
  EXPECT_FALSE(judge("From: \"b@evil.test\" <a@example.com>\r\n"));
  EXPECT_FALSE(judge("From: =?utf-8?q?b=40evil.test?= <a@example.com> (c@evil.test)\r\n"));
  EXPECT_FALSE(judge("From: J\xc3\xb6rg <a@m\xc3\xbcller.example>\r\n"));
}

TEST(sender_policy, names_the_domain_that_is_not_the_accounts) {
  EXPECT_EQ(judge_reverse_path(directory(), shop, "a@evil.test"),
            "evil.test (envelope) is not a verified sender domain of this account");
  EXPECT_EQ(judge("From: a@evil.test\r\n"), "evil.test (From) is not a verified sender domain of this account");
  EXPECT_EQ(judge("From: a@example.com\r\nSender: b@evil.test\r\n"),
            "evil.test (Sender) is not a verified sender domain of this account");
  EXPECT_TRUE(judge("From: a@example.com, b@evil.test\r\n"));
  EXPECT_TRUE(judge_reverse_path(directory(), account_id{8}, "a@example.com"));
  EXPECT_TRUE(judge_reverse_path(directory(), shop, "a@[192.0.2.1]"));
  EXPECT_TRUE(judge_reverse_path(directory(), shop, "a@notexample.com"));
}

TEST(sender_policy, refuses_what_can_be_read_in_two_ways) {
  EXPECT_TRUE(judge("Subject: no author\r\n"));
  EXPECT_TRUE(judge("From: a@example.com\r\nFrom: a@example.com\r\n"));
  EXPECT_TRUE(judge("From: a@example.com\r\nSender: a@example.com\r\nSender: a@example.com\r\n"));
  EXPECT_TRUE(judge("From: friends: a@example.com;\r\n"));
  EXPECT_TRUE(judge("From: a@evil.test <a@example.com>\r\n"));
  EXPECT_TRUE(judge("From: <a@example.com> <b@evil.test>\r\n"));
  EXPECT_TRUE(judge("From: a@example.com b@evil.test\r\n"));
  EXPECT_TRUE(judge("From: <@evil.test:a@example.com>\r\n"));
  EXPECT_TRUE(judge("From: (unclosed a@example.com\r\n"));
  EXPECT_TRUE(judge("From: \r\n"));
  EXPECT_TRUE(judge("From: a@example.com\r\nSender:\r\n"));
}

TEST(sender_policy, refuses_a_header_that_hides_what_follows_behind_a_line_that_is_no_field) {
  EXPECT_TRUE(judge("From: a@example.com\r\nno field\r\nFrom: b@evil.test\r\n"));
  const std::string bare = "From: a@example.com\r\n";
  EXPECT_FALSE(judge_header(directory(), shop, *message::scan_header(bare, {}), bare.size()));
}

}  // namespace
}  // namespace gonets::intake
