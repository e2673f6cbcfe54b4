#include "message/dsn.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "message/header_scan.h"

namespace gonets::message {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr wall_time arrived{1'790'000'000'000ms};
const std::string original =
    "Received: from client.test ([192.0.2.1])\r\n\tby mx.gonets.test (Gonets)\r\n"
    "Message-ID: <1@a.test>\r\n"
    "From: ann@a.test\r\n"
    "Subject: hello\r\n"
    "\r\n"
    "The body.\r\n";
const std::string original_header = original.substr(0, original.find("\r\n\r\n") + 2);

dsn_facts facts() {
  return {.kind = dsn_kind::failed,
          .reporting_mta = "mx.gonets.test",
          .to = "ann@a.test",
          .envelope_id = "env+2B1",
          .arrived = arrived,
          .now = arrived + 1min,
          .original_id = message_id{1},
          .id = message_id{2},
          .random = 0xfedcba9876543210,
          .original = original};
}

dsn_recipient refused() {
  return {.final_recipient = "bob@b.test",
          .original_recipient = "rfc822;Bob+2Bx@b.test",
          .answer = {.code = 550, .status = {5, 1, 1}, .text = "No such user here"},
          .from_peer = true,
          .remote_mta = "mx.b.test",
          .at = stage::rcpt,
          .last_attempt = arrived + 1min};
}

using fields = std::multimap<std::string, std::string>;

std::string unfolded(std::string_view value) {
  std::string text(trim_field_value(value));
  for (auto at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n"))
    text.erase(at, 2);
  return text;
}

fields fields_of(std::string_view text) {
  fields found;
  for_each_field(text, [&](std::string_view name, std::string_view value) {
    found.emplace(name, unfolded(value));
    return true;
  });
  return found;
}

std::string the(const fields& in, const std::string& name) {
  EXPECT_LE(in.count(name), 1u) << name;
  const auto at = in.find(name);
  return at == in.end() ? "(none)" : at->second;
}

struct part {
  fields header;
  std::string body;
};

part parse_part(const std::string& text) {
  const auto end = text.starts_with("\r\n") ? 0 : text.find("\r\n\r\n") + 2;
  return {fields_of(text.substr(0, end)), text.substr(end + 2)};
}

struct report {
  fields header;
  std::vector<part> parts;
  std::vector<fields> status;  // per message, then per recipient
  std::string text;            // of the whole message
};

report parse(const std::string& text) {
  report found;
  const auto whole = parse_part(text);
  found.header = whole.header;
  found.text = text;
  const auto type = the(whole.header, "Content-Type");
  const auto quote = type.find('"') + 1;
  const auto delimiter = "\r\n--" + type.substr(quote, type.rfind('"') - quote);
  auto rest = "\r\n" + whole.body;
  auto at = rest.find(delimiter);
  while (at != std::string::npos && rest.compare(at + delimiter.size(), 2, "--") != 0) {
    rest.erase(0, at + delimiter.size() + 2);
    at = rest.find(delimiter);
    found.parts.push_back(parse_part(rest.substr(0, at)));
  }
  EXPECT_EQ(rest.substr(at), delimiter + "--\r\n");
  std::string_view groups = found.parts.at(1).body;
  while (!groups.empty()) {
    const auto end = groups.find("\r\n\r\n");
    found.status.push_back(fields_of(groups.substr(0, end)));
    groups.remove_prefix(end == std::string_view::npos ? groups.size() : end + 4);
  }
  return found;
}

report compose(const dsn_facts& f, const std::vector<dsn_recipient>& recipients = {refused()}) {
  const auto text = compose_dsn(f, recipients);
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_EQ(text[i] == '\n', i > 0 && text[i - 1] == '\r') << i;
  }
  EXPECT_NE(text.back(), '\r');
  return parse(text);
}

TEST(dsn, reads_like_this) {
  const auto text = compose_dsn(facts(), {refused()});
  EXPECT_EQ(text,
            "From: \"Mail Delivery System\" <MAILER-DAEMON@mx.gonets.test>\r\n"
            "To: <ann@a.test>\r\n"
            "Subject: Delivery failed: bob@b.test\r\n"
            "Date: Mon, 21 Sep 2026 14:14:20 +0000\r\n"
            "Message-ID: <000000000002.fedcba9876543210@mx.gonets.test>\r\n"
            "In-Reply-To: <1@a.test>\r\n"
            "References: <1@a.test>\r\n"
            "Auto-Submitted: auto-replied\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/report; report-type=delivery-status;\r\n"
            " boundary=\"=_000000000002.fedcba9876543210\"\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "--=_000000000002.fedcba9876543210\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "This is the mail server mx.gonets.test.\r\n"
            "\r\n"
            "Your message could not be delivered to the recipient below. It will not be\r\n"
            "tried again.\r\n"
            "\r\n"
            "  bob@b.test\r\n"
            "    mx.b.test refused the message. It answered:\r\n"
            "      550 5.1.1 No such user here\r\n"
            "    What you can do: Check the address for typing errors: the recipient's\r\n"
            "    server knows no such mailbox.\r\n"
            "\r\n"
            "The message was accepted on Mon, 21 Sep 2026 14:13:20 +0000 and has the\r\n"
            "queue id 000000000001 here. Attached are these facts for programs to read,\r\n"
            "and your message or its header.\r\n"
            "\r\n"
            "--=_000000000002.fedcba9876543210\r\n"
            "Content-Type: message/delivery-status\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "Reporting-MTA: dns; mx.gonets.test\r\n"
            "Original-Envelope-Id: env+1\r\n"
            "Arrival-Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n"
            "X-Gonets-Queue-ID: 000000000001\r\n"
            "\r\n"
            "Original-Recipient: rfc822; Bob+x@b.test\r\n"
            "Final-Recipient: rfc822; bob@b.test\r\n"
            "Action: failed\r\n"
            "Status: 5.1.1\r\n"
            "Remote-MTA: dns; mx.b.test\r\n"
            "Diagnostic-Code: smtp; 550 5.1.1 No such user here\r\n"
            "Last-Attempt-Date: Mon, 21 Sep 2026 14:14:20 +0000\r\n"
            "\r\n"
            "--=_000000000002.fedcba9876543210\r\n"
            "Content-Type: text/rfc822-headers\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "Received: from client.test ([192.0.2.1])\r\n"
            "\tby mx.gonets.test (Gonets)\r\n"
            "Message-ID: <1@a.test>\r\n"
            "From: ann@a.test\r\n"
            "Subject: hello\r\n"
            "\r\n"
            "--=_000000000002.fedcba9876543210--\r\n");
}

TEST(dsn, addresses_the_report_and_marks_it_as_automatic) {
  const auto r = compose(facts());
  EXPECT_EQ(the(r.header, "From"), "\"Mail Delivery System\" <MAILER-DAEMON@mx.gonets.test>");
  EXPECT_EQ(the(r.header, "To"), "<ann@a.test>");
  EXPECT_EQ(the(r.header, "Auto-Submitted"), "auto-replied");
  EXPECT_EQ(the(r.header, "In-Reply-To"), "<1@a.test>");
  EXPECT_EQ(the(r.header, "References"), "<1@a.test>");
  EXPECT_EQ(the(r.header, "Message-ID"), "<000000000002.fedcba9876543210@mx.gonets.test>");
}

TEST(dsn, has_the_facts_for_programs) {
  auto f = facts();
  f.kind = dsn_kind::delayed;
  auto waiting = refused();
  waiting.answer = {.code = 451, .status = {4, 7, 1}, .text = "Greylisted"};
  waiting.will_retry_until = arrived + 24h;
  const auto r = compose(f, {waiting});
  ASSERT_EQ(r.status.size(), 2u);
  EXPECT_EQ(the(r.status[0], "Reporting-MTA"), "dns; mx.gonets.test");
  EXPECT_EQ(the(r.status[0], "Original-Envelope-Id"), "env+1");
  EXPECT_EQ(the(r.status[0], "Arrival-Date"), "Mon, 21 Sep 2026 14:13:20 +0000");
  EXPECT_EQ(the(r.status[1], "Original-Recipient"), "rfc822; Bob+x@b.test");
  EXPECT_EQ(the(r.status[1], "Final-Recipient"), "rfc822; bob@b.test");
  EXPECT_EQ(the(r.status[1], "Action"), "delayed");
  EXPECT_EQ(the(r.status[1], "Status"), "4.7.1");
  EXPECT_EQ(the(r.status[1], "Remote-MTA"), "dns; mx.b.test");
  EXPECT_EQ(the(r.status[1], "Diagnostic-Code"), "smtp; 451 4.7.1 Greylisted");
  EXPECT_EQ(the(r.status[1], "Last-Attempt-Date"), "Mon, 21 Sep 2026 14:14:20 +0000");
  EXPECT_EQ(the(r.status[1], "Will-Retry-Until"), "Tue, 22 Sep 2026 14:13:20 +0000");
}

TEST(dsn, leaves_out_what_is_not_known) {
  auto f = facts();
  f.envelope_id = {};
  f.original = {};
  const auto r = compose(f, {{.final_recipient = "bob@b.test"}});
  EXPECT_EQ(r.parts.size(), 2u);
  EXPECT_EQ(r.header.count("In-Reply-To") + r.header.count("References"), 0u);
  EXPECT_EQ(r.status.at(0).count("Original-Envelope-Id"), 0u);
  for (const auto* name : {"Original-Recipient", "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date"}) {
    EXPECT_EQ(r.status.at(1).count(name), 0u) << name;
  }
}

TEST(dsn, tells_of_each_recipient) {
  auto second = refused();
  second.final_recipient = "carol@c.test";
  second.answer = {.code = 452, .text = "try later"};
  const auto r = compose(facts(), {refused(), second});
  EXPECT_EQ(the(r.header, "Subject"), "Delivery failed: 2 recipients");
  ASSERT_EQ(r.status.size(), 3u);
  EXPECT_EQ(the(r.status[2], "Final-Recipient"), "rfc822; carol@c.test");
  EXPECT_NE(r.parts[0].body.find("\r\n  carol@c.test\r\n"), std::string::npos);
}

TEST(dsn, derives_a_status_from_what_happened_when_the_answer_has_none_that_fits) {
  struct row {
    dsn_kind kind;
    reply answer;
    const char* status;
  };
  const row rows[] = {
      {dsn_kind::failed, {550, {}, "no"}, "5.0.0"},        {dsn_kind::failed, {550, {5, 7, 1}, "no"}, "5.7.1"},
      {dsn_kind::failed, {451, {4, 2, 2}, "no"}, "4.2.2"}, {dsn_kind::failed, {451, {}, "no"}, "4.4.7"},
      {dsn_kind::failed, {550, {2, 0, 0}, "no"}, "5.0.0"}, {dsn_kind::delayed, {451, {}, "no"}, "4.0.0"},
      {dsn_kind::delivered, {250, {}, "ok"}, "2.0.0"},     {dsn_kind::relayed, {250, {2, 1, 5}, "ok"}, "2.1.5"},
  };
  for (const auto& row : rows) {
    auto f = facts();
    f.kind = row.kind;
    auto r = refused();
    r.answer = row.answer;
    EXPECT_EQ(the(compose(f, {r}).status.at(1), "Status"), row.status) << to_text(row.answer);
  }
}

TEST(dsn, tells_our_own_words_from_the_peers) {
  auto r = refused();
  r.from_peer = false;
  r.at = stage::connect;
  r.answer = {.code = 451, .status = {4, 4, 1}, .text = "connection timed out"};
  const auto found = compose(facts(), {r});
  EXPECT_EQ(the(found.status.at(1), "Diagnostic-Code"), "x-gonets; 451 4.4.1 connection timed out");
}

TEST(dsn, returns_the_header_unless_all_of_a_failed_message_was_asked_for) {
  auto f = facts();
  const auto part_for = [&] { return compose(f).parts.at(2); };
  EXPECT_EQ(the(part_for().header, "Content-Type"), "text/rfc822-headers");
  EXPECT_EQ(part_for().body, original_header);
  f.ret = return_content::headers;
  EXPECT_EQ(part_for().body, original_header);
  f.ret = return_content::full;
  EXPECT_EQ(the(part_for().header, "Content-Type"), "message/rfc822");
  EXPECT_EQ(part_for().body, original);
  f.original_cut = true;
  EXPECT_EQ(part_for().body, original_header);
  f.original_cut = false;
  f.kind = dsn_kind::delayed;
  EXPECT_EQ(part_for().body, original_header);
}

TEST(dsn, declares_eight_bits_where_they_are) {
  auto f = facts();
  f.ret = return_content::full;
  EXPECT_EQ(the(compose(f).header, "Content-Transfer-Encoding"), "7bit");
  const auto body = original + "\xd0\xb0\r\n";
  f.original = body;
  const auto r = compose(f);
  EXPECT_EQ(the(r.header, "Content-Transfer-Encoding"), "8bit");
  EXPECT_EQ(the(r.parts[0].header, "Content-Transfer-Encoding"), "7bit");
  EXPECT_EQ(the(r.parts[2].header, "Content-Transfer-Encoding"), "8bit");
}

TEST(dsn, keeps_a_peers_utf8_to_the_text_for_people) {
  auto r = refused();
  r.answer.text = "\xd0\xbd\xd0\xb5\xd1\x82 \xff";
  const auto found = compose(facts(), {r});
  EXPECT_NE(found.parts[0].body.find("\xd0\xbd\xd0\xb5\xd1\x82 ?"), std::string::npos);
  EXPECT_EQ(the(found.parts[0].header, "Content-Transfer-Encoding"), "8bit");
  EXPECT_EQ(the(found.status.at(1), "Diagnostic-Code"), "smtp; 550 5.1.1 ?????? ?");
  EXPECT_EQ(the(found.parts[1].header, "Content-Transfer-Encoding"), "7bit");
}

TEST(dsn, uses_the_international_types_where_addresses_need_them) {
  auto f = facts();
  f.smtputf8 = true;
  f.ret = return_content::full;
  EXPECT_FALSE(dsn_needs_smtputf8(f, {refused()}));
  EXPECT_EQ(the(compose(f).parts[1].header, "Content-Type"), "message/delivery-status");

  auto r = refused();
  r.final_recipient = "\xd0\xb0@b.test";
  r.original_recipient = "utf-8;\\x{430}@b.test";
  EXPECT_TRUE(dsn_needs_smtputf8(f, {r}));
  const auto found = compose(f, {r});
  EXPECT_EQ(the(found.header, "Subject"), "Delivery failed: \xd0\xb0@b.test");
  EXPECT_EQ(the(found.parts[1].header, "Content-Type"), "message/global-delivery-status");
  EXPECT_EQ(the(found.parts[2].header, "Content-Type"), "message/global");
  EXPECT_EQ(the(found.status.at(1), "Final-Recipient"), "utf-8; \xd0\xb0@b.test");
  EXPECT_EQ(the(found.status.at(1), "Original-Recipient"), "utf-8; \\x{430}@b.test");
  f.ret = return_content::headers;
  EXPECT_EQ(the(compose(f, {r}).parts[2].header, "Content-Type"), "message/global-headers");
}

TEST(dsn, needs_smtputf8_for_a_header_but_not_for_a_body_in_utf8) {
  auto f = facts();
  f.smtputf8 = true;
  const auto body = original + "\xd0\xb0\r\n";
  f.original = body;
  EXPECT_FALSE(dsn_needs_smtputf8(f, {refused()}));
  const auto header = "X: \xd0\xb0\r\n" + original;
  f.original = header;
  EXPECT_TRUE(dsn_needs_smtputf8(f, {refused()}));
  f.smtputf8 = false;
  EXPECT_FALSE(dsn_needs_smtputf8(f, {refused()}));
}

TEST(dsn, lets_no_answer_open_a_field_or_a_part) {
  auto r = refused();
  const std::string text =
      "no\r\nAction: delivered\n\nFinal-Recipient: rfc822; x@y.test\r\n--=_000000000002.fedcba9876543210--\r\n\r\n.";
  r.answer.text = text;
  r.remote_mta = "mx\r\nStatus: 2.0.0";
  r.original_recipient = "rfc822;a+0D+0AAction:+20relayed";
  auto f = facts();
  f.envelope_id = "x+0D+0AX-Evil:+201";
  const auto found = compose(f, {r});
  ASSERT_EQ(found.parts.size(), 3u);
  ASSERT_EQ(found.status.size(), 2u);
  EXPECT_EQ(found.status[0].count("X-Evil"), 0u);
  EXPECT_EQ(the(found.status[1], "Action"), "failed");
  EXPECT_EQ(the(found.status[1], "Status"), "5.1.1");
  EXPECT_EQ(the(found.status[1], "Original-Recipient"), "rfc822; a+0D+0AAction:+20relayed");
  EXPECT_EQ(found.status[1].size(), 7u);
}

TEST(dsn, lets_no_original_close_a_part) {
  auto f = facts();
  f.ret = return_content::full;
  const auto forged = original + "--=_000000000002.fedcba9876543210--\r\n";
  f.original = forged;
  EXPECT_EQ(compose(f).parts.at(2).body, forged);
}

TEST(dsn, keeps_lines_within_998_octets_whatever_was_answered) {
  auto r = refused();
  const std::string text(100'000, 'x');
  r.answer.text = text;
  r.remote_mta = text;
  r.final_recipient = text;
  r.original_recipient = text;
  auto f = facts();
  f.envelope_id = text;
  const auto found = compose(f, {r});
  std::string_view rest = found.text;
  while (!rest.empty()) {
    const auto end = rest.find("\r\n");
    EXPECT_LE(end, 998u);
    rest.remove_prefix(end + 2);
  }
  EXPECT_LT(found.text.size(), 20'000u);
}

TEST(dsn, mends_bare_line_ends_of_the_original) {
  auto f = facts();
  f.ret = return_content::full;
  f.original = "A: b\n\nx\ry\r\n\r";
  EXPECT_EQ(compose(f).parts.at(2).body, "A: b\r\n\r\nx\r\ny\r\n\r\n");
}

TEST(dsn, refers_to_no_message_id_that_is_none) {
  for (const auto* id : {"<a", "a>", "<>", "<a> <b>", "<a b>", "<a\x01>", "<\xd0\xb0>", "<a>\r\n <b>", ""}) {
    auto f = facts();
    const auto text = "Message-ID: "s + id + "\r\n\r\n";
    f.original = text;
    const auto r = compose(f);
    EXPECT_EQ(r.header.count("References") + r.header.count("In-Reply-To"), 0u) << id;
  }
}

TEST(dsn, keeps_the_blanks_of_a_quoted_local_part) {
  auto f = facts();
  f.to = "\"a  b\"@a.test";
  auto r = refused();
  r.final_recipient = f.to;
  const auto found = compose(f, {r});
  EXPECT_EQ(the(found.header, "To"), "<\"a  b\"@a.test>");
  EXPECT_EQ(the(found.status.at(1), "Final-Recipient"), "rfc822; \"a  b\"@a.test");
}

TEST(dsn, says_what_to_do) {
  const auto advice = [](enhanced_status status) {
    auto r = refused();
    r.answer.status = status;
    return unfolded(compose(facts(), {r}).parts[0].body);
  };
  EXPECT_NE(advice({5, 1, 1}).find("typing errors"), std::string::npos);
  EXPECT_NE(advice({5, 2, 2}).find("mailbox is full"), std::string::npos);
  EXPECT_NE(advice({5, 3, 4}).find("too large"), std::string::npos);
  EXPECT_NE(advice({5, 7, 1}).find("administrator"), std::string::npos);
}

TEST(dsn, says_that_an_expired_message_was_tried_for_long) {
  auto r = refused();
  r.answer = {.code = 451, .status = {4, 2, 2}, .text = "full"};
  const auto found = compose(facts(), {r});
  EXPECT_NE(found.parts[0].body.find("It was tried repeatedly since Mon, 21 Sep 2026"), std::string::npos);
}

}  // namespace
}  // namespace gonets::message
