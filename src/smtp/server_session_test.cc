#include "smtp/server_session.h"

#include <gtest/gtest.h>

#include "smtp/testing/server_fixture.h"

namespace gonets::smtp {
namespace {

using namespace std::string_literals;
using namespace testing;

constexpr std::string_view ehlo = "EHLO client.example\r\n";

TEST(server_session, answers_a_whole_dialogue_in_the_documented_words) {
  scripted_owner owner(some_options());
  EXPECT_EQ(owner.feed(""), greeting);
  EXPECT_EQ(owner.feed(ehlo),
            "250-mx.example.com\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
            "250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250-DSN\r\n250 HELP\r\n");
  EXPECT_EQ(owner.feed("MAIL FROM:<a@a.example>\r\n"), "250 2.1.0 Ok\r\n");
  EXPECT_EQ(owner.feed("RCPT TO:<b@b.example>\r\n"), "250 2.1.5 Ok\r\n");
  EXPECT_EQ(owner.feed("DATA\r\n"), "354 End data with <CR><LF>.<CR><LF>\r\n");
  EXPECT_EQ(owner.feed("Subject: x\r\n\r\n..hi\r\n.\r\n"), "250 2.0.0 Ok: queued as 000000000001\r\n");
  EXPECT_EQ(owner.feed("NOOP\r\n"), "250 2.0.0 Ok\r\n");
  EXPECT_EQ(owner.feed("QUIT\r\n"), "221 2.0.0 Bye\r\n");
  EXPECT_TRUE(owner.closed());
  ASSERT_EQ(owner.messages().size(), 1u);
  EXPECT_EQ(owner.messages()[0].body, "Subject: x\r\n\r\n.hi\r\n");
  EXPECT_TRUE(owner.messages()[0].leading_dot);
  EXPECT_EQ(owner.messages()[0].envelope.reverse_path, "a@a.example");
  EXPECT_EQ(owner.messages()[0].envelope.recipients[0].address, "b@b.example");
}

TEST(server_session, says_the_same_however_the_dialogue_is_cut) {
  const auto t = check_cut_everywhere(
      some_options(), std::string(to_data) +
                          "one\r\n.\r\nRSET\r\nNOOP x\r\nBOGUS\r\nMAIL FROM:<>\r\nRCPT TO:<c@c.example>\r\n"
                          "RCPT TO:<bad>\r\nRCPT TO:<d@d.example>\r\nBDAT 5\r\na\r\n.\rBDAT 6 LAST\r\n\nb\r\nc\r"
                          "MAIL FROM:<e@e.example>\r\nRCPT TO:<f@f.example>\r\nDATA\r\n..two\r\n.\r\nQUIT\r\nNOOP\r\n");
  // The BDAT message ends in a bare CR.
  ASSERT_EQ(t.messages.size(), 2u);
  EXPECT_EQ(t.messages[1].body, ".two\r\n");
  EXPECT_TRUE(t.closed);
}

TEST(server_session, takes_several_transactions_and_keeps_nothing_of_the_one_before) {
  scripted_owner owner(some_options());
  owner.feed(ehlo);
  owner.feed("MAIL FROM:<a@a.example> RET=HDRS ENVID=x SMTPUTF8 BODY=8BITMIME SIZE=10\r\n");
  EXPECT_EQ(owner.session().declared_bytes(), 10u);
  owner.feed("RCPT TO:<b@b.example> NOTIFY=NEVER ORCPT=rfc822;b@b.example\r\nDATA\r\nx\r\n.\r\n");
  owner.feed("MAIL FROM:<>\r\nRCPT TO:<c@c.example>\r\n");
  EXPECT_EQ(owner.session().declared_bytes(), 0u);
  owner.feed("DATA\r\ny\r\n.\r\n");
  ASSERT_EQ(owner.messages().size(), 2u);
  message::envelope expected;
  expected.recipients.push_back({"c@c.example", "", {}});
  EXPECT_EQ(owner.messages()[1].envelope, expected);
}

TEST(server_session, answers_each_command_out_of_order_with_503) {
  const auto with_mail = std::string(ehlo) + "MAIL FROM:<a@a.example>\r\n";
  const auto in_chunks = std::string(to_rcpt) + "BDAT 1\r\nx";
  const std::pair<std::string, std::string> cases[] = {
      {"", "MAIL FROM:<a@a.example>\r\n"},
      {"", "RCPT TO:<b@b.example>\r\n"},
      {"", "DATA\r\n"},
      {"", "BDAT 0 LAST\r\n"},
      {std::string(ehlo), "RCPT TO:<b@b.example>\r\n"},
      {std::string(ehlo), "DATA\r\n"},
      {std::string(ehlo), "BDAT 1 LAST\r\nx"},
      {with_mail, "MAIL FROM:<a@a.example>\r\n"},
      {with_mail, "DATA\r\n"},
      {with_mail, "BDAT 3\r\nabc"},
      {in_chunks, "DATA\r\n"},
      {in_chunks, "RCPT TO:<c@c.example>\r\n"},
      {in_chunks, "MAIL FROM:<c@c.example>\r\n"},
      {std::string(to_data) + "x\r\n.\r\n", "RCPT TO:<b@b.example>\r\n"},
      {std::string(to_data) + "x\r\n.\r\n", "DATA\r\n"},
      {std::string(to_rcpt) + "RSET\r\n", "DATA\r\n"},
      {std::string(to_rcpt) + "EHLO again\r\n", "DATA\r\n"},
      {"HELO client\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n", "BDAT 1 LAST\r\nx"},
  };
  for (const auto& [before, command] : cases) {
    const auto r = reply_to(before, command);
    EXPECT_TRUE(r.starts_with("503 5.5.1 ")) << before << command << r;
    EXPECT_EQ(r.find("\r\n"), r.size() - 2) << r;
  }
}

TEST(server_session, answers_the_small_commands_at_any_time) {
  for (const auto& before : {""s, std::string(ehlo), std::string(to_rcpt), std::string(to_rcpt) + "BDAT 1\r\nx"}) {
    EXPECT_EQ(reply_to(before, "NOOP anything\r\n"), "250 2.0.0 Ok\r\n");
    EXPECT_EQ(reply_to(before, "RSET\r\n"), "250 2.0.0 Ok\r\n");
    EXPECT_EQ(reply_to(before, "QUIT\r\n"), "221 2.0.0 Bye\r\n");
    EXPECT_TRUE(reply_to(before, "HELP MAIL\r\n").starts_with("214 2.0.0 "));
    EXPECT_TRUE(reply_to(before, "VRFY user\r\n").starts_with("252 2.1.5 "));
    EXPECT_TRUE(reply_to(before, "VRFY\r\n").starts_with("501 5.5.4 "));
    EXPECT_TRUE(reply_to(before, "EXPN list\r\n").starts_with("502 5.5.1 "));
    EXPECT_TRUE(reply_to(before, "AUTH PLAIN\r\n").starts_with("502 5.5.1 "));
    EXPECT_TRUE(reply_to(before, "BOGUS\r\n").starts_with("500 5.5.2 "));
    EXPECT_TRUE(reply_to(before, "\r\n").starts_with("500 5.5.2 "));
    EXPECT_TRUE(reply_to(before, " NOOP\r\n").starts_with("500 5.5.2 "));
    EXPECT_TRUE(reply_to(before, "RSET x\r\n").starts_with("501 5.5.4 "));
    EXPECT_TRUE(reply_to(before, "QUIT x\r\n").starts_with("501 5.5.4 "));
    EXPECT_TRUE(reply_to(before, "DATA x\r\n").starts_with("501 5.5.4 "));
  }
}

TEST(server_session, knows_commands_in_either_case_and_with_spaces_behind) {
  const auto t = converse(some_options(),
                          "ehlo x\r\nmail from: <a@a.example>  \r\nRcPt tO:  <b@b.example>\r\n"
                          "data \r\nx\r\n.\r\nquit  \r\n",
                          1000);
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_TRUE(t.closed);
}

TEST(server_session, needs_a_printable_name_in_ehlo_and_helo) {
  for (const auto* verb : {"EHLO", "HELO"}) {
    for (const auto& name : {""s, " "s, "   "s, " caf\xC3\xA9"s, " "s + std::string(256, 'x')}) {
      EXPECT_TRUE(reply_to("", verb + name + "\r\n").starts_with("501 5.5.4 ")) << name;
    }
    for (const auto& name : {" x"s, " [192.0.2.1]"s, " two words"s, " "s + std::string(255, 'x')}) {
      EXPECT_TRUE(reply_to("", verb + name + "\r\n").starts_with("250")) << name;
    }
  }
  scripted_owner owner(some_options());
  owner.feed("EHLO client.example\r\n");
  EXPECT_EQ(owner.session().helo_name(), "client.example");
  EXPECT_TRUE(owner.session().esmtp());
  EXPECT_EQ(owner.feed("HELO other\r\n"), "250 mx.example.com\r\n");
  EXPECT_EQ(owner.session().helo_name(), "other");
  EXPECT_FALSE(owner.session().esmtp());
}

TEST(server_session, offers_no_extension_after_helo) {
  EXPECT_EQ(reply_to("HELO x\r\n", "MAIL FROM:<a@a.example>\r\n"), "250 2.1.0 Ok\r\n");
  EXPECT_TRUE(reply_to("HELO x\r\n", "MAIL FROM:<a@a.example> SIZE=1\r\n").starts_with("555 5.5.4 "));
  EXPECT_TRUE(
      reply_to("HELO x\r\nMAIL FROM:<>\r\n", "RCPT TO:<b@b.example> NOTIFY=NEVER\r\n").starts_with("555 5.5.4 "));
}

TEST(server_session, refuses_a_command_line_with_anything_but_text_before_crlf) {
  for (const auto& line :
       {"NO\rOP\r\n"s, "NOOP\r\r\n"s, "NOOP\0\r\n"s, "NOOP\tx\r\n"s, "NOOP \x7f\r\n"s, "N\x16\x03\x01\r\n"s}) {
    EXPECT_EQ(reply_to("", line), "500 5.5.2 Command holds a control character\r\n") << line;
  }
}

TEST(server_session, ends_where_a_client_begins_with_tls) {
  scripted_owner owner(some_options());
  owner.feed("");
  EXPECT_EQ(owner.feed("\x16\x03\x01\x02\n\x01"), "554 5.5.1 TLS begins with STARTTLS on this port\r\n");
  EXPECT_TRUE(owner.closed());
  check_cut_everywhere(some_options(), "\x16\x03\x01\x02\nNOOP\r\n");
}

TEST(server_session, answers_a_bare_lf_at_once_and_runs_nothing_before_the_next_crlf) {
  scripted_owner owner(some_options());
  owner.feed("");
  EXPECT_EQ(owner.feed("EHLO x\n"), "500 5.5.2 Lines must end in CR LF\r\n");
  EXPECT_EQ(owner.feed("MAIL FROM:<a@a.example>\nRSET\r\n"), "");
  EXPECT_EQ(owner.session().helo_name(), "");
  EXPECT_EQ(owner.feed("NOOP\r\n"), "250 2.0.0 Ok\r\n");
  check_cut_everywhere(some_options(), "NOOP\nEHLO x\r\n\nNOOP\r\n\r\r\nNOOP\r\n\n\r\nQUIT\r\n");
}

TEST(server_session, closes_on_http) {
  for (const auto* line :
       {"GET / HTTP/1.1", "POST / HTTP/1.1", "PUT /x HTTP/1.1", "HEAD / HTTP/1.0", "OPTIONS * HTTP/1.1",
        "CONNECT mx.example.com:25 HTTP/1.1", "Host: mx.example.com", "host: x"}) {
    scripted_owner owner(some_options());
    owner.feed("");
    const auto r = owner.feed(std::string(line) + "\r\nEHLO x\r\n");
    EXPECT_TRUE(r.starts_with("554 5.7.0 ")) << r;
    EXPECT_EQ(r.find("\r\n"), r.size() - 2) << r;
    EXPECT_TRUE(owner.closed());
  }
}

TEST(server_session, leaves_the_state_as_it_was_when_the_owner_refuses) {
  scripted_owner owner(some_options());
  std::optional<need> refused;
  owner.policy = [&](const server_session&, need n) -> std::optional<reply> {
    if (n != refused) return std::nullopt;
    return reply{550, {5, 7, 1}, "Not today\nNor tomorrow"};
  };
  const auto no = "550-5.7.1 Not today\r\n550 5.7.1 Nor tomorrow\r\n";
  owner.feed(ehlo);
  refused = need::mail;
  EXPECT_EQ(owner.feed("MAIL FROM:<a@a.example> ENVID=1\r\n"), no);
  EXPECT_FALSE(owner.session().in_transaction());
  EXPECT_EQ(owner.session().envelope(), message::envelope{});
  refused = need::rcpt;
  EXPECT_EQ(owner.feed("MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n"), "250 2.1.0 Ok\r\n"s + no);
  EXPECT_TRUE(owner.session().in_transaction());
  EXPECT_TRUE(owner.session().envelope().recipients.empty());
  refused = need::data;
  EXPECT_EQ(owner.feed("RCPT TO:<c@c.example>\r\nDATA\r\n"), "250 2.1.5 Ok\r\n"s + no);
  EXPECT_EQ(owner.session().envelope().recipients.size(), 1u);
  refused = need::message;
  EXPECT_EQ(owner.feed("DATA\r\nx\r\n.\r\n"), "354 End data with <CR><LF>.<CR><LF>\r\n"s + no);
  EXPECT_FALSE(owner.session().in_transaction());
  EXPECT_TRUE(owner.messages().empty());
}

TEST(server_session, closes_when_the_owner_answers_421) {
  scripted_owner owner(some_options());
  owner.policy = [](const server_session&, need) { return reply{421, {4, 3, 0}, "Gone"}; };
  owner.feed(ehlo);
  EXPECT_EQ(owner.feed("MAIL FROM:<a@a.example>\r\nNOOP\r\n"), "421 4.3.0 Gone\r\n");
  EXPECT_TRUE(owner.closed());
}

TEST(server_session, makes_one_safe_line_of_whatever_text_the_owner_passes) {
  scripted_owner owner(some_options());
  owner.policy = [](const server_session&, need) { return reply{450, {4, 7, 1}, "a\rb\x01" + std::string(2000, 'c')}; };
  owner.feed(ehlo);
  const auto r = owner.feed("MAIL FROM:<a@a.example>\r\n");
  EXPECT_TRUE(r.starts_with("450 4.7.1 a?b?cc"));
  EXPECT_LE(r.size(), 512u);
}

TEST(server_session, says_where_it_stands) {
  scripted_owner owner(some_options());
  std::vector<std::string_view> stages;
  owner.policy = [&](const server_session& s, need) {
    stages.push_back(to_text(s.at()));
    return std::nullopt;
  };
  const auto after = [&](std::string_view bytes) {
    owner.feed(bytes);
    return owner.session().at();
  };
  EXPECT_EQ(after(""), stage::greeting);
  EXPECT_EQ(after(ehlo), stage::ehlo);
  EXPECT_EQ(after("MAIL FROM:<a@a.example>\r\n"), stage::mail);
  EXPECT_EQ(after("RCPT TO:<b@b.example>\r\n"), stage::rcpt);
  EXPECT_FALSE(owner.session().in_body());
  EXPECT_EQ(after("DATA\r\nx"), stage::data);
  EXPECT_TRUE(owner.session().in_body());
  EXPECT_EQ(after("\r\n.\r\n"), stage::ehlo);
  EXPECT_EQ(stages, (std::vector<std::string_view>{"mail", "rcpt", "data", "end_of_data"}));
}

TEST(server_session, refuses_a_connection_in_place_of_the_greeting) {
  const auto o = some_options();
  server_session s(o);
  s.refuse_connection({554, {5, 7, 1}, "Go away"});
  std::string_view in = "EHLO x\r\n";
  EXPECT_EQ(s.consume(in), need::close);
  EXPECT_EQ(s.take_output(), "554 5.7.1 Go away\r\n");
  EXPECT_EQ(in, "EHLO x\r\n");
}

TEST(server_session, says_421_on_a_time_out_wherever_it_stands) {
  for (const auto& before :
       {""s, std::string(to_rcpt), std::string(to_data) + "x\r\n.", std::string(to_rcpt) + "BDAT 9\r\nx"}) {
    scripted_owner owner(some_options());
    owner.feed(before);
    owner.session().time_out();
    const auto r = owner.feed("\r\nNOOP\r\n");
    EXPECT_TRUE(r.starts_with("421 4.4.2 "));
    EXPECT_EQ(r.find("\r\n"), r.size() - 2);
    EXPECT_TRUE(owner.closed());
    EXPECT_TRUE(owner.messages().empty());
  }
}

TEST(server_session, shuts_down_between_commands_at_once_and_in_a_body_after_its_answer) {
  scripted_owner idle(some_options());
  idle.feed(to_rcpt);
  idle.session().shut_down();
  EXPECT_TRUE(idle.feed("DATA\r\n").starts_with("421 4.3.2 "));
  EXPECT_TRUE(idle.closed());

  scripted_owner busy(some_options());
  busy.feed(to_data);
  busy.feed("x\r\n");
  busy.session().shut_down();
  EXPECT_EQ(busy.feed("y\r\n"), "");
  const auto r = busy.feed(".\r\nMAIL FROM:<c@c.example>\r\n");
  EXPECT_TRUE(r.starts_with("250 2.0.0 Ok: queued as 000000000001\r\n421 4.3.2 ")) << r;
  EXPECT_TRUE(busy.closed());
  EXPECT_EQ(busy.messages().size(), 1u);
}

TEST(server_session, offers_starttls_only_where_told_and_only_once) {
  auto o = some_options();
  EXPECT_TRUE(reply_to(ehlo, "STARTTLS\r\n", o).starts_with("502 5.5.1 "));
  o.offer_starttls = true;
  scripted_owner owner(o);
  EXPECT_NE(owner.feed(ehlo).find("250-STARTTLS\r\n"), std::string::npos);
  EXPECT_TRUE(owner.feed("STARTTLS now\r\n").starts_with("501 5.5.4 "));
  EXPECT_TRUE(owner.feed("STARTTLS\r\n").starts_with("220 2.0.0 "));
  EXPECT_EQ(owner.count(need::starttls), 1u);
  EXPECT_EQ(owner.feed(ehlo).find("STARTTLS"), std::string::npos);
  EXPECT_TRUE(owner.feed("STARTTLS\r\n").starts_with("503 5.5.1 "));
}

TEST(server_session, offers_and_takes_requiretls_under_tls_only) {
  auto o = some_options();
  o.offer_starttls = true;
  scripted_owner owner(o);
  EXPECT_EQ(owner.feed(ehlo).find("REQUIRETLS"), std::string::npos);
  EXPECT_TRUE(owner.feed("MAIL FROM:<a@a.example> REQUIRETLS\r\n").starts_with("530 5.7.10 "));
  EXPECT_FALSE(owner.session().in_transaction());
  owner.feed("STARTTLS\r\n");
  EXPECT_NE(owner.feed(ehlo).find("250-REQUIRETLS\r\n"), std::string::npos);
  EXPECT_TRUE(owner.feed("MAIL FROM:<a@a.example> REQUIRETLS\r\n").starts_with("250 "));
  EXPECT_TRUE(owner.session().envelope().require_tls);
}

TEST(server_session, forgets_everything_at_starttls_and_drops_what_was_sent_in_the_clear) {
  auto o = some_options();
  o.offer_starttls = true;
  scripted_owner owner(o);
  const auto r = owner.feed(std::string(to_rcpt) + "STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@example.com>\r\n");
  EXPECT_TRUE(r.ends_with("220 2.0.0 Ready to start TLS\r\n")) << r;
  EXPECT_FALSE(owner.session().in_transaction());
  EXPECT_EQ(owner.session().helo_name(), "");
  EXPECT_EQ(owner.session().envelope(), message::envelope{});
  EXPECT_TRUE(owner.feed("MAIL FROM:<a@a.example>\r\n").starts_with("503 5.5.1 "));
}

TEST(server_session, keeps_waiting_for_the_handshake_until_it_is_told) {
  auto o = some_options();
  o.offer_starttls = true;
  server_session s(o);
  std::string_view in = "EHLO x\r\nSTARTTLS\r\nNOOP\r\n";
  EXPECT_EQ(s.consume(in), need::starttls);
  EXPECT_EQ(s.at(), stage::tls);
  EXPECT_EQ(in, "");
  in = "NOOP\r\n";
  EXPECT_EQ(s.consume(in), need::starttls);
}

TEST(server_session, asks_again_until_it_is_answered) {
  const auto o = some_options();
  server_session s(o);
  std::string_view in = "EHLO x\r\nMAIL FROM:<a@a.example>\r\nNOOP\r\n";
  EXPECT_EQ(s.consume(in), need::mail);
  EXPECT_EQ(s.consume(in), need::mail);
  EXPECT_EQ(in, "NOOP\r\n");
}

TEST(server_session, collects_the_replies_of_pipelined_commands) {
  const auto o = some_options();
  server_session s(o);
  std::string_view in = "EHLO x\r\nRSET\r\nNOOP\r\n";
  EXPECT_EQ(s.consume(in), need::input);
  std::string all = "x";
  EXPECT_TRUE(s.has_output());
  s.drain_output(all);
  EXPECT_TRUE(all.ends_with("250 HELP\r\n250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n"));
  EXPECT_TRUE(all.starts_with("x250-"));
  EXPECT_FALSE(s.has_output());
}

TEST(server_session, offers_times_only_where_its_owner_does_and_takes_them_with_mail) {
  const auto o = some_options();
  scripted_owner owner(o);
  owner.feed(ehlo);
  EXPECT_TRUE(owner.feed("MAIL FROM:<a@a.example> HOLDFOR=60\r\n").starts_with("555 5.5.4 "));
  owner.session().offer_schedule("86400 2030-01-31T12:00:00Z");
  const auto said = owner.feed(ehlo);
  EXPECT_NE(said.find("250-FUTURERELEASE 86400 2030-01-31T12:00:00Z\r\n250-DELIVERBY\r\n"), std::string::npos);
  for (const auto* wrong : {"HOLDFOR=0", "HOLDUNTIL=soon", "HOLDFOR=60 HOLDUNTIL=2030-01-31T12:00:00Z",
                            "HOLDUNTIL=2030-01-31T12:00:00Z HOLDFOR=60", "HOLDFOR=1 HOLDFOR=1", "BY=0;R", "BY=5"})
    EXPECT_TRUE(owner.feed(std::string("MAIL FROM:<a@a.example> ") + wrong + "\r\n").starts_with("501 5.5.4 "))
        << wrong;
  EXPECT_TRUE(owner.feed("MAIL FROM:<a@a.example> HOLDFOR=60 BY=3600;R\r\n").starts_with("250 "));
  EXPECT_EQ(owner.session().schedule().hold_for, std::chrono::seconds(60));
  EXPECT_TRUE(owner.session().schedule().by_return);
  owner.feed("RSET\r\n");
  EXPECT_EQ(owner.session().schedule(), mail_schedule{});
}

}  // namespace
}  // namespace gonets::smtp
