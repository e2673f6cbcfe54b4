#include "smtp/command.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace gonets::smtp {
namespace {

using namespace std::string_literals;

constexpr argument_rules esmtp{true, false, "MX.example.com"};
constexpr argument_rules esmtp_utf8{true, true, "mx.example.com"};

// "501 5.5.4", or "" if the argument is accepted.
std::string mail_error(std::string_view argument, const argument_rules& rules = esmtp) {
  const auto parsed = parse_mail(argument, rules);
  return parsed ? "" : std::to_string(parsed.error().code) + " " + to_text(parsed.error().status);
}

std::string rcpt_error(std::string_view argument, const argument_rules& rules = esmtp) {
  const auto parsed = parse_rcpt(argument, rules);
  return parsed ? "" : std::to_string(parsed.error().code) + " " + to_text(parsed.error().status);
}

TEST(command, splits_verb_and_argument) {
  auto c = split_command("MaIl FROM:<a@b>  ");
  EXPECT_EQ(c.what, verb::mail);
  EXPECT_EQ(c.argument, "FROM:<a@b>");
  c = split_command("QUIT");
  EXPECT_EQ(c.what, verb::quit);
  EXPECT_EQ(c.argument, "");
  EXPECT_EQ(split_command("").what, verb::unknown);
  EXPECT_EQ(split_command("MAILFROM:<a@b>").what, verb::unknown);
  EXPECT_EQ(split_command("MAI").what, verb::unknown);
  EXPECT_EQ(split_command("NOOPX").what, verb::unknown);
  EXPECT_EQ(split_command("Host: x").what, verb::foreign);
}

TEST(mail_command, reads_the_reverse_path) {
  for (const auto* text : {"FROM:<a@B.example>", "from:<a@b.EXAMPLE>", "FROM: <a@b.example>", "FROM:   <a@b.example>",
                           "FROM:<@r.example:a@b.example>", "FROM:<@r.example,@s.example:a@b.example>"}) {
    const auto parsed = parse_mail(text, esmtp);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->reverse_path, "a@b.example");
  }
  EXPECT_EQ(parse_mail("FROM:<>", esmtp)->reverse_path, "");
  EXPECT_EQ(parse_mail(R"(FROM:<"a>b c\""@d.example> SIZE=1)", esmtp)->reverse_path, R"("a>b c\""@d.example)");
}

TEST(mail_command, refuses_what_is_no_path) {
  for (const auto* text : {"",
                           "FROM",
                           "FROM:",
                           "FROM: ",
                           "FROM:a@b.example",
                           "FROM:<a@b.example",
                           "FROM:a@b.example>",
                           "FROM :<a@b.example>",
                           "TO:<a@b.example>",
                           "FROM:<a@b.example>x",
                           "FROM:<a@b.example>SIZE=1",
                           "FROM:<a>",
                           "FROM:< >",
                           "FROM:<<a@b.example>>",
                           "FROM:<\"a@b.example>",
                           "FROM:<@r.example>",
                           "FROM:<@r.example:>",
                           "FROM:<@r!:a@b.example>",
                           "FROM:<postmaster>",
                           "FROM:<a@b.example.>",
                           "FROM:<a@b@c.example>"}) {
    EXPECT_EQ(mail_error(text), "501 5.1.7") << text;
  }
}

TEST(mail_command, reads_its_parameters_in_any_case_and_order) {
  const auto parsed =
      parse_mail("FROM:<a@b.example>  ret=hdrs Body=8bitmime SIZE=18446744073709551615 EnvID=QQ+2B314 smtputf8", esmtp);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->ret, message::return_content::headers);
  EXPECT_EQ(parsed->body, message::body_type::eight_bit);
  EXPECT_EQ(parsed->size_bytes, 18446744073709551615u);
  EXPECT_EQ(parsed->envelope_id, "QQ+2B314");
  EXPECT_TRUE(parsed->smtputf8);
  EXPECT_FALSE(parsed->require_tls);
  EXPECT_TRUE(parse_mail("FROM:<a@b.example> RequireTLS", esmtp)->require_tls);
  EXPECT_EQ(parse_mail("FROM:<> RET=FULL BODY=7BIT", esmtp)->ret, message::return_content::full);
}

TEST(mail_command, refuses_bad_parameters) {
  for (const auto& text : {"SIZE"s,
                           "SIZE="s,
                           "SIZE=x"s,
                           "SIZE=-1"s,
                           "SIZE=1x"s,
                           "BODY"s,
                           "BODY="s,
                           "BODY=BINARYMIME"s,
                           "SMTPUTF8="s,
                           "SMTPUTF8=1"s,
                           "RET"s,
                           "RET=NONE"s,
                           "ENVID="s,
                           "ENVID=a+"s,
                           "ENVID=a+2"s,
                           "ENVID=a+2b"s,
                           "ENVID=a=b"s,
                           "ENVID="s + std::string(101, 'x'),
                           "SIZE=1 SIZE=1"s,
                           "BODY=7BIT BODY=7BIT"s,
                           "RET=FULL RET=HDRS"s,
                           "ENVID=a ENVID=b"s,
                           "SMTPUTF8 SMTPUTF8"s,
                           "REQUIRETLS=1"s,
                           "REQUIRETLS REQUIRETLS"s,
                           "ENVID=\xC3\xA9"s}) {
    EXPECT_EQ(mail_error("FROM:<a@b.example> " + text), "501 5.5.4") << text;
  }
  for (const auto* text : {"AUTH=<>", "X=1", "NOTIFY=NEVER", "=1", "SIZE1"}) {
    EXPECT_EQ(mail_error(std::string("FROM:<a@b.example> ") + text), "555 5.5.4") << text;
  }
  EXPECT_EQ(mail_error("FROM:<a@b.example> SIZE=18446744073709551616"), "552 5.3.4");
  EXPECT_EQ(mail_error("FROM:<a@b.example> ENVID=" + std::string(100, 'x')), "");
}

TEST(mail_command, takes_utf8_addresses_only_with_smtputf8) {
  EXPECT_EQ(mail_error("FROM:<\xC3\xA9@b.example>"), "553 5.6.7");
  EXPECT_EQ(mail_error("FROM:<\xC3\xA9@b.example> SMTPUTF8"), "");
  EXPECT_EQ(mail_error("FROM:<\xC3@b.example> SMTPUTF8"), "501 5.1.7");
}

TEST(rcpt_command, reads_the_forward_path) {
  EXPECT_EQ(parse_rcpt("TO:<a@B.example>", esmtp)->address, "a@b.example");
  EXPECT_EQ(parse_rcpt("TO: <@r.example:a@b.example>", esmtp)->address, "a@b.example");
  EXPECT_EQ(parse_rcpt("TO:<PostMaster>", esmtp)->address, "postmaster@mx.example.com");
}

TEST(rcpt_command, refuses_what_is_no_forward_path) {
  for (const auto* text : {"", "TO:", "TO:<>", "TO:<a>", "FROM:<a@b.example>", "TO:a@b.example", "TO:<a@b.example>x"}) {
    EXPECT_EQ(rcpt_error(text), "501 5.1.3") << text;
  }
}

TEST(rcpt_command, reads_its_parameters) {
  auto parsed = parse_rcpt("TO:<a@b.example> NOTIFY=success,FAILURE,Delay ORCPT=rfc822;a+2Bx@b.example", esmtp);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->notify, (message::notify_flags{false, true, true, true}));
  EXPECT_EQ(parsed->original_recipient, "rfc822;a+2Bx@b.example");
  parsed = parse_rcpt("TO:<a@b.example> NOTIFY=NEVER", esmtp);
  EXPECT_EQ(parsed->notify, (message::notify_flags{true, false, false, false}));
}

TEST(rcpt_command, refuses_bad_parameters) {
  for (const auto& text :
       {"NOTIFY"s, "NOTIFY="s, "NOTIFY=NEVER,SUCCESS"s, "NOTIFY=SUCCESS,"s, "NOTIFY=,SUCCESS"s, "NOTIFY=ALWAYS"s,
        "NOTIFY=NEVER NOTIFY=NEVER"s, "ORCPT"s, "ORCPT="s, "ORCPT=a@b.example"s, "ORCPT=;a"s, "ORCPT=rfc822;"s,
        "ORCPT=rfc822;a=b"s, "ORCPT=rfc822;a+zz"s, "ORCPT=rf(c;a"s, "ORCPT=rfc822;a ORCPT=rfc822;a"s,
        "ORCPT=rfc822;" + std::string(500, 'a'), "ORCPT=rfc822;\xC3\xA9"s, "ORCPT=utf-8;\xC3\xA9"s}) {
    EXPECT_EQ(rcpt_error("TO:<a@b.example> " + text), "501 5.5.4") << text;
  }
  for (const auto* text : {"SIZE=1", "RET=FULL", "X"}) {
    EXPECT_EQ(rcpt_error(std::string("TO:<a@b.example> ") + text), "555 5.5.4") << text;
  }
}

TEST(rcpt_command, takes_utf8_only_where_mail_asked_for_it) {
  EXPECT_EQ(rcpt_error("TO:<\xC3\xA9@b.example>"), "553 5.6.7");
  EXPECT_EQ(rcpt_error("TO:<\xC3\xA9@b.example>", esmtp_utf8), "");
  EXPECT_EQ(rcpt_error("TO:<a@b.example> ORCPT=utf-8;\xC3\xA9@b.example", esmtp_utf8), "");
  EXPECT_EQ(rcpt_error("TO:<a@b.example> ORCPT=utf-8;\\x{E9}@b.example", esmtp_utf8), "");
  EXPECT_EQ(rcpt_error("TO:<a@b.example> ORCPT=utf-8;\xC3", esmtp_utf8), "501 5.5.4");
}

TEST(commands_after_helo, take_no_parameters) {
  const argument_rules helo{false, false, "mx.example.com"};
  EXPECT_EQ(mail_error("FROM:<a@b.example>", helo), "");
  EXPECT_EQ(mail_error("FROM:<a@b.example> SIZE=1", helo), "555 5.5.4");
  EXPECT_EQ(rcpt_error("TO:<a@b.example> NOTIFY=NEVER", helo), "555 5.5.4");
}

TEST(bdat_command, reads_size_and_end_marker) {
  EXPECT_EQ(parse_bdat("10")->size_bytes, 10u);
  EXPECT_FALSE(parse_bdat("10")->last);
  EXPECT_TRUE(parse_bdat("0 last")->last);
  EXPECT_EQ(parse_bdat("7 x").error().size_bytes, 7u);
  EXPECT_TRUE(parse_bdat("7 x").error().size_known);
  EXPECT_FALSE(parse_bdat("x").error().size_known);
}

}  // namespace
}  // namespace gonets::smtp
