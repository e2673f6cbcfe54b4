// Each limit of server_limits: just within it, just beyond it, and the reply it causes.
#include <gtest/gtest.h>

#include "smtp/testing/server_fixture.h"

namespace gonets::smtp {
namespace {

using namespace std::string_literals;
using namespace testing;

TEST(server_limits, goes_on_after_a_command_line_that_is_too_long) {
  auto o = some_options();
  o.limits.command_line_bytes_max = 64;
  const auto line = [](std::size_t length) { return "NOOP " + std::string(length - 7, 'x') + "\r\n"; };
  EXPECT_EQ(reply_to("", line(64), o), "250 2.0.0 Ok\r\n");
  EXPECT_EQ(reply_to("", line(65), o), "500 5.5.2 Command line is too long\r\n");
  EXPECT_EQ(reply_to("", line(100'000) + "NOOP\r\n", o), "500 5.5.2 Command line is too long\r\n250 2.0.0 Ok\r\n");
  for (std::size_t length = 60; length < 70; ++length)
    check_cut_everywhere(o, line(length) + "NOOP\r\n");
  check_cut_everywhere(o, std::string(80, '\r') + "\nNOOP\r\n" + std::string(80, 'x') + "\nNOOP\r\nNOOP\r\n");
}

TEST(server_limits, refuses_a_text_line_that_is_too_long_after_the_message) {
  auto o = some_options();
  o.limits.text_line_bytes_max = 20;
  const auto text = "ok\r\n" + std::string(21, 'x') + "\r\n";
  const auto no = "554 5.6.0 Line 2 is longer than 20 octets\r\n";
  EXPECT_EQ(reply_to(to_data, "ok\r\n" + std::string(20, 'x') + "\r\n.\r\n", o),
            "250 2.0.0 Ok: queued as 000000000001\r\n");
  EXPECT_EQ(reply_to(to_data, text + ".\r\nNOOP\r\n", o), no + "250 2.0.0 Ok\r\n"s);
  EXPECT_EQ(reply_to(to_rcpt, "BDAT " + std::to_string(text.size()) + " LAST\r\n" + text, o), no);
}

TEST(server_limits, refuses_more_recipients_and_takes_the_message_for_those_before) {
  auto o = some_options();
  o.limits.recipients_max = 2;
  const auto t = converse(
      o, std::string(to_rcpt) + "RCPT TO:<c@c.example>\r\nRCPT TO:<d@d.example>\r\nDATA\r\nx\r\n.\r\n", 10'000);
  EXPECT_NE(t.output.find("452 4.5.3 Too many recipients\r\n354 "), std::string::npos);
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_EQ(t.messages[0].envelope.recipients.size(), 2u);
}

TEST(server_limits, refuses_a_declared_size_that_is_too_large) {
  auto o = some_options();
  o.limits.message_bytes_max = 1000;
  const auto mail = [&](const std::string& size) {
    return reply_to("EHLO x\r\n", "MAIL FROM:<a@a.example> SIZE=" + size + "\r\n", o);
  };
  EXPECT_EQ(mail("1000"), "250 2.1.0 Ok\r\n");
  EXPECT_TRUE(mail("1001").starts_with("552 5.3.4 "));
  EXPECT_TRUE(mail("99999999999999999999999").starts_with("552 5.3.4 "));
}

TEST(server_limits, refuses_a_message_that_is_too_large_after_its_end) {
  auto o = some_options();
  o.limits.message_bytes_max = 30;
  const auto no = "552 5.3.4 Message is larger than 30 octets\r\n";
  EXPECT_EQ(reply_to(to_data, std::string(28, 'x') + "\r\n.\r\n", o), "250 2.0.0 Ok: queued as 000000000001\r\n");
  EXPECT_EQ(reply_to(to_data, std::string(29, 'x') + "\r\n.\r\nNOOP\r\n", o), no + "250 2.0.0 Ok\r\n"s);
  EXPECT_EQ(reply_to(to_rcpt, "BDAT 31 LAST\r\n" + std::string(31, 'x') + "NOOP\r\n", o), no + "250 2.0.0 Ok\r\n"s);
}

TEST(server_limits, refuses_the_chunk_that_makes_a_message_too_large_and_those_after_it) {
  auto o = some_options();
  o.limits.message_bytes_max = 10;
  scripted_owner owner(o);
  owner.feed(to_rcpt);
  EXPECT_EQ(owner.feed("BDAT 6\r\nabcdefBDAT 6\r\nghijklBDAT 2 LAST\r\nmnNOOP\r\n"),
            "250 2.0.0 6 octets received\r\n552 5.3.4 Message is larger than 10 octets\r\n"
            "503 5.5.1 Send MAIL first\r\n250 2.0.0 Ok\r\n");
  EXPECT_TRUE(owner.messages().empty());
}

TEST(server_limits, closes_at_mail_after_too_many_messages) {
  auto o = some_options();
  o.limits.messages_max = 2;
  const auto one = "MAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nx\r\n.\r\n"s;
  const auto t = converse(o, "EHLO x\r\n" + one + one + "NOOP\r\n" + one, 10'000);
  EXPECT_EQ(t.messages.size(), 2u);
  EXPECT_TRUE(t.closed);
  EXPECT_NE(t.output.find("250 2.0.0 Ok\r\n421 4.7.0 "), std::string::npos);
}

TEST(server_limits, closes_after_too_many_errors) {
  auto o = some_options();
  o.limits.errors_max = 3;
  const auto t = check_cut_everywhere(o, "X\r\nNOOP\r\nDATA\r\nRSET x\r\nNOOP\r\n");
  EXPECT_TRUE(t.closed);
  EXPECT_TRUE(t.output.ends_with("Command takes no argument\r\n421 4.7.0 Too many errors, closing connection\r\n"));
}

TEST(server_limits, counts_errors_anew_after_an_accepted_message) {
  auto o = some_options();
  o.limits.errors_max = 2;
  const auto one = "X\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nx\r\n.\r\n"s;
  const auto t = converse(o, "EHLO x\r\n" + one + one + one, 10'000);
  EXPECT_EQ(t.messages.size(), 3u);
  EXPECT_FALSE(t.closed);
}

TEST(server_limits, hands_out_a_long_body_in_parts) {
  auto o = some_options();
  o.body_chunk_bytes = 10;
  for (const std::size_t length : {0, 8, 9, 10, 11, 12, 19, 20, 21, 100}) {
    const auto text = std::string(length, 'x') + "\r\n";
    for (const std::size_t step : {1, 7, 1000}) {
      const auto t = converse(o, std::string(to_data) + text + ".\r\n", step);
      ASSERT_EQ(t.messages.size(), 1u);
      EXPECT_EQ(t.messages[0].body, text);
      EXPECT_GE(t.messages[0].parts, text.size() / 13 + 1) << length;
      EXPECT_EQ(t.messages[0].parts == 1, text.size() <= 10) << length << " by " << step;
    }
  }
}

}  // namespace
}  // namespace gonets::smtp
