#include "smtp/client_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "smtp/dialogue_test_support.h"

namespace gonets::smtp {
namespace {

using testing::dialogue;
using ::testing::ElementsAre;
using testing::outgoing;

TEST(ClientSession, delivers_one_message_in_one_round_trip_of_commands) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .hello("PIPELINING,SIZE 1000000")
                          .mail("250 2.1.0 Ok")
                          .rcpt("250 2.1.5 Ok")
                          .data("354 go ahead")
                          .expect_body()
                          .reply("250 2.0.0 queued as 1")
                          .quit()
                          .check_cut_everywhere();
  ASSERT_EQ(result.outcomes.size(), 1u);
  const recipient_outcome& outcome = result.outcomes[0][0];
  EXPECT_EQ(outcome.what, disposition::delivered);
  EXPECT_EQ(outcome.at, stage::end_of_data);
  EXPECT_EQ(to_text(outcome.answer), "250 2.0.0 queued as 1");
  EXPECT_TRUE(outcome.from_peer);
  EXPECT_THAT(result.writes, ElementsAre("EHLO client.test\r\n",
                                         "MAIL FROM:<from@source.test> SIZE=21\r\nRCPT TO:<a@x.test>\r\nDATA\r\n",
                                         "Subject: x\r\n\r\nhello\r\n.\r\n", "QUIT\r\n"));
}

TEST(ClientSession, sends_the_next_transaction_with_the_end_of_data_of_the_one_before) {
  const auto result = dialogue{}
                          .message({"a@x.test"})
                          .message({"b@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go ahead")
                          .expect_body()
                          .reply("250 first")
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go ahead")
                          .expect_body()
                          .reply("250 second")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_EQ(result.outcomes[0][0].answer.text, "first");
  EXPECT_EQ(result.outcomes[1][0].answer.text, "second");
  ASSERT_EQ(result.writes.size(), 5u);
  EXPECT_EQ(result.writes[2],
            "Subject: x\r\n\r\nhello\r\n.\r\nMAIL FROM:<from@source.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n");
}

TEST(ClientSession, sends_one_command_at_a_time_to_a_peer_that_does_not_pipeline) {
  const auto result = dialogue{}
                          .message({"a@x.test", "b@x.test"})
                          .message({"c@x.test"})
                          .hello("8BITMIME")
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go ahead")
                          .expect_body()
                          .reply("250 kept")
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go ahead")
                          .expect_body()
                          .reply("250 kept")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.writes,
              ElementsAre("EHLO client.test\r\n", "MAIL FROM:<from@source.test>\r\n", "RCPT TO:<a@x.test>\r\n",
                          "RCPT TO:<b@x.test>\r\n", "DATA\r\n", "Subject: x\r\n\r\nhello\r\n.\r\n",
                          "MAIL FROM:<from@source.test>\r\n", "RCPT TO:<c@x.test>\r\n", "DATA\r\n",
                          "Subject: x\r\n\r\nhello\r\n.\r\n", "QUIT\r\n"));
}

TEST(ClientSession, sends_the_parameters_that_apply_and_that_the_peer_offers) {
  outgoing m{"a@x.test", "b@x.test", "c@x.test"};
  m.t.eight_bit = true;
  m.t.smtputf8 = true;
  m.t.ret = message::return_content::headers;
  m.t.envelope_id = "id+2B1";
  m.to[0].notify = {.success = true, .failure = true, .delay = true};
  m.to[0].original_recipient = "rfc822;x@y.test";
  m.to[1].notify.never = true;
  const auto talk = [&](const char* keywords) {
    return dialogue{}
        .message(m)
        .hello(keywords)
        .mail("250 Ok")
        .rcpt("250 Ok")
        .rcpt("250 Ok")
        .rcpt("250 Ok")
        .data("354 go")
        .expect_body()
        .reply("250 kept")
        .quit()
        .check_cut_everywhere()
        .writes[1];
  };
  EXPECT_EQ(talk("pipelining,Size,8bitmime,SmtpUtf8,dsn,CHUNKING"),
            "MAIL FROM:<from@source.test> SIZE=21 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=id+2B1\r\n"
            "RCPT TO:<a@x.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;x@y.test\r\n"
            "RCPT TO:<b@x.test> NOTIFY=NEVER\r\n"
            "RCPT TO:<c@x.test>\r\n"
            "DATA\r\n");
  EXPECT_EQ(talk("PIPELINING,8BITMIME,SMTPUTF8"),
            "MAIL FROM:<from@source.test> BODY=8BITMIME SMTPUTF8\r\n"
            "RCPT TO:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nRCPT TO:<c@x.test>\r\nDATA\r\n");
}

TEST(ClientSession, passes_on_by_when_it_is_to_be_delivered_where_that_is_known) {
  using std::chrono::seconds;
  const auto mail = [](const char* keywords, deliver_by by) {
    outgoing m{"a@x.test"};
    m.t.by = by;
    return dialogue{}.message(m).hello(keywords).mail("421 bye").run().writes[1];
  };
  const auto with = [](std::string parameter) { return "MAIL FROM:<from@source.test> " + parameter + "\r\n"; };
  EXPECT_EQ(mail("DELIVERBY", {seconds(90), true, false}), with("BY=90;R"));
  EXPECT_EQ(mail("DELIVERBY 60", {seconds(90), true, true}), with("BY=90;RT"));
  EXPECT_EQ(mail("deliverby", {seconds(-7), false, true}), with("BY=-7;NT"));
  EXPECT_EQ(mail("DELIVERBY", {seconds(0), true, false}), with("BY=1;R"));
  EXPECT_EQ(mail("DELIVERBY", {seconds(9'999'999'999), false, false}), with("BY=999999999;N"));
  EXPECT_EQ(mail("DSN", {seconds(90), true, false}), "MAIL FROM:<from@source.test>\r\n");
}

TEST(ClientSession, does_not_offer_a_message_to_a_server_that_wants_more_time_than_there_is_left) {
  for (const bool or_return : {true, false}) {
    outgoing m{"a@x.test"};
    m.t.by = deliver_by{std::chrono::seconds(90), or_return, false};
    client_session session({.helo_name = "client.test"});
    session.connected();
    session.feed("220 x\r\n250-x\r\n250 DELIVERBY 240\r\n");
    EXPECT_TRUE(session.peer_offers_deliverby());
    session.begin(m.to_begin());
    if (!or_return) {
      EXPECT_EQ(session.next(), wants::bytes);
      continue;
    }
    ASSERT_EQ(session.next(), wants::collect);
    const auto outcome = session.collect().at(0);
    EXPECT_EQ(outcome.what, disposition::failed);
    EXPECT_EQ(to_text(outcome.answer),
              "550 5.4.7 the message is to be delivered within 90 s, and the receiving server wants 240 s");
  }
}

TEST(ClientSession, sends_the_null_reverse_path) {
  outgoing m{"a@x.test"};
  m.t.reverse_path = "";
  m.t.ret = message::return_content::full;
  const auto result = dialogue{}
                          .message(m)
                          .hello("DSN")
                          .expect("MAIL FROM:<> RET=FULL\r\n")
                          .reply("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 kept")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_EQ(result.outcomes[0][0].what, disposition::delivered);
}

TEST(ClientSession, ends_a_body_without_a_last_line_end_with_one_of_its_own_and_declares_it) {
  outgoing m{"a@x.test"};
  m.content("Subject: x\r\n\r\nhello");
  const auto result = dialogue{}
                          .message(m)
                          .hello("SIZE 21")
                          .expect("MAIL FROM:<from@source.test> SIZE=21\r\n")
                          .reply("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body("Subject: x\r\n\r\nhello\r\n")
                          .reply("250 kept")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_EQ(result.outcomes[0][0].what, disposition::delivered);
}

TEST(ClientSession, sends_an_empty_body_as_a_lone_dot) {
  outgoing m{"a@x.test"};
  m.content("");
  const auto result = dialogue{}
                          .message(m)
                          .hello("SIZE")
                          .expect("MAIL FROM:<from@source.test>\r\n")
                          .reply("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect(".\r\n")
                          .reply("250 kept")
                          .quit()
                          .run();
  EXPECT_THAT(result.told(), ElementsAre("delivered at end_of_data: 250 kept"));
}

TEST(ClientSession, sends_many_recipients_in_groups_that_wait_for_their_replies) {
  outgoing m{};
  const std::string domain(200, 'x');
  for (int i = 0; i < 500; ++i)
    m.to.push_back({"user" + std::to_string(i) + "@" + domain + ".test", "", {}});
  auto talk = dialogue{}.message(m).hello().mail("250 Ok");
  for (int i = 0; i < 500; ++i)
    talk.rcpt(i % 2 == 0 ? "250 Ok" : "550 odd");
  const auto result = talk.data("354 go").expect_body().reply("250 kept").quit().run();
  EXPECT_EQ(result.writes.size(), 10u);
  for (const std::string& written : result.writes)
    EXPECT_LT(written.size(), 17'000u);
  ASSERT_EQ(result.told().size(), 500u);
  EXPECT_EQ(result.told()[498], "delivered at end_of_data: 250 kept");
  EXPECT_EQ(result.told()[499], "failed at rcpt: 550 odd");
}

TEST(ClientSession, sends_no_further_group_when_mail_was_refused) {
  client_session session({.helo_name = "client.test"});
  outgoing m{};
  const std::string domain(200, 'x');
  for (int i = 0; i < 100; ++i)
    m.to.push_back({"user" + std::to_string(i) + "@" + domain + ".test", "", {}});
  session.connected();
  session.feed("220 x\r\n250-x\r\n250 PIPELINING\r\n");
  session.take_output();
  session.begin(m.to_begin());
  const std::string group = session.take_output();
  const auto commands = std::count(group.begin(), group.end(), '\n');
  ASSERT_LT(commands, 101);
  session.feed("550 no\r\n");
  for (auto i = 1; i < commands; ++i)
    session.feed("503 no\r\n");
  EXPECT_EQ(session.take_output(), "");
  ASSERT_EQ(session.next(), wants::collect);
  EXPECT_EQ(testing::to_text(session.collect()[99]), "failed at mail: 550 no");
  EXPECT_EQ(session.next(), wants::work);
}

TEST(ClientSession, takes_the_replies_to_several_transactions_from_one_read) {
  client_session session({.helo_name = "client.test"});
  const outgoing first{"a@x.test"};
  const outgoing second{"b@x.test"};
  session.connected();
  session.feed("220 mx.test ready\r\n250-mx.test\r\n250 PIPELINING\r\n");
  EXPECT_EQ(session.peer_name(), "mx.test");
  session.begin(first.to_begin());
  session.feed("250 Ok\r\n250 Ok\r\n354 go\r\n");
  ASSERT_EQ(session.next(), wants::body);
  ASSERT_TRUE(session.can_chain());
  session.begin(second.to_begin());
  EXPECT_FALSE(session.can_chain());
  EXPECT_EQ(session.after_body(), ".\r\nMAIL FROM:<from@source.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n");
  session.body_sent();
  EXPECT_EQ(session.next(), wants::bytes);
  session.feed("250 kept\r\n250 Ok\r\n250 Ok\r\n354 go\r\n");
  ASSERT_EQ(session.next(), wants::collect);
  EXPECT_EQ(testing::to_text(session.collect()[0]), "delivered at end_of_data: 250 kept");
  ASSERT_EQ(session.next(), wants::body);
  EXPECT_EQ(session.after_body(), ".\r\n");
  session.body_sent();
  session.feed("250 kept too\r\n");
  ASSERT_EQ(session.next(), wants::collect);
  EXPECT_EQ(testing::to_text(session.collect()[0]), "delivered at end_of_data: 250 kept too");
  EXPECT_EQ(session.next(), wants::work);
}

TEST(ClientSession, chains_one_transaction_at_a_time) {
  client_session session({.helo_name = "client.test"});
  const outgoing m{"a@x.test"};
  const std::string commands = "MAIL FROM:<from@source.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\n";
  session.connected();
  session.feed("220 x\r\n250-x\r\n250 PIPELINING\r\n");
  session.begin(m.to_begin());
  session.feed("250 Ok\r\n250 Ok\r\n354 go\r\n");
  session.take_output();
  session.begin(m.to_begin());
  session.begin(m.to_begin());
  EXPECT_EQ(session.after_body(), ".\r\n" + commands);
  session.body_sent();
  session.feed("250 kept\r\n451 no\r\n503 no\r\n");
  EXPECT_EQ(session.take_output(), "");
  session.feed("503 no\r\n");
  EXPECT_EQ(session.take_output(), commands);
}

TEST(ClientSession, the_reply_to_reset_calls_for_no_further_group) {
  client_session session({.helo_name = "client.test"});
  const outgoing refused{"a@x.test"};
  outgoing m{};
  const std::string domain(200, 'x');
  for (int i = 0; i < 100; ++i)
    m.to.push_back({"user" + std::to_string(i) + "@" + domain + ".test", "", {}});
  session.connected();
  session.feed("220 x\r\n250-x\r\n250 PIPELINING\r\n");
  session.begin(refused.to_begin());
  session.feed("250 Ok\r\n550 no\r\n503 no\r\n");
  session.take_output();
  session.collect();
  session.begin(m.to_begin());
  EXPECT_THAT(session.take_output(), ::testing::StartsWith("RSET\r\nMAIL FROM:<from@source.test>\r\nRCPT TO:"));
  session.feed("250 Ok\r\n");
  EXPECT_EQ(session.take_output(), "");
}

TEST(ClientSession, a_transaction_begun_out_of_turn_waits_for_it) {
  client_session session({.helo_name = "client.test"});
  const outgoing first{"a@x.test"};
  const outgoing second{"b@x.test"};
  session.connected();
  session.begin(first.to_begin());
  session.begin(second.to_begin());
  session.feed("220 x\r\n");
  EXPECT_EQ(session.take_output(), "EHLO client.test\r\n");
  session.feed("250-x\r\n250 PIPELINING\r\n");
  EXPECT_EQ(session.take_output(), "MAIL FROM:<from@source.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\n");
  session.feed("451 no\r\n503 no\r\n503 no\r\n");
  EXPECT_EQ(session.take_output(), "MAIL FROM:<from@source.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n");
  EXPECT_EQ(testing::to_text(session.collect()[0]), "deferred at mail: 451 no");
  EXPECT_EQ(session.next(), wants::bytes);
}

TEST(ClientSession, tells_what_it_waits_for) {
  client_session session({.helo_name = "client.test"});
  const outgoing m{"a@x.test"};
  session.connected();
  EXPECT_EQ(session.waiting_for(), stage::greeting);
  session.feed("220 x\r\n");
  EXPECT_EQ(session.waiting_for(), stage::ehlo);
  EXPECT_FALSE(session.ready());
  session.feed("250-x\r\n250-SIZE 12345\r\n250-DSN\r\n250-STARTTLS\r\n250 PIPELINING\r\n");
  EXPECT_TRUE(session.ready());
  EXPECT_TRUE(session.peer_offers_starttls());
  EXPECT_TRUE(session.peer_offers_dsn());
  EXPECT_TRUE(session.peer_pipelines());
  EXPECT_EQ(session.peer_size_limit(), 12345u);
  EXPECT_EQ(session.waiting_for(), stage::none);
  session.begin(m.to_begin());
  EXPECT_EQ(session.waiting_for(), stage::mail);
  session.feed("250 Ok\r\n");
  EXPECT_EQ(session.waiting_for(), stage::rcpt);
  session.feed("250 Ok\r\n");
  EXPECT_EQ(session.waiting_for(), stage::data);
  session.feed("354 go\r\n");
  EXPECT_EQ(session.waiting_for(), stage::data);
  session.after_body();
  session.body_sent();
  EXPECT_EQ(session.waiting_for(), stage::end_of_data);
}

TEST(ClientSession, closes_after_the_messages_it_may_send_on_a_connection) {
  const auto result = dialogue{{.helo_name = "client.test", .messages_max = 1}}
                          .message({"a@x.test"})
                          .message({"b@x.test"})
                          .hello()
                          .mail("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 kept")
                          .expect("QUIT")
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("delivered at end_of_data: 250 kept"));
}

TEST(ClientSession, sees_all_keywords_of_a_long_ehlo_reply) {
  std::string keywords;
  for (int i = 0; i < 40; ++i)
    keywords += "XSOMETHING " + std::string(100, 'x') + ",";
  const auto result = dialogue{}.message({"a@x.test"}).hello(keywords + "PIPELINING").mail("421 bye").run();
  EXPECT_EQ(result.writes[1], "MAIL FROM:<from@source.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\n");
}

TEST(ClientSession, takes_a_size_that_is_no_number_for_no_limit) {
  for (const char* keyword : {"SIZE", "SIZE 0", "SIZE lots", "SIZE 99999999999999999999999", "SIZE="}) {
    client_session session({.helo_name = "client.test"});
    session.connected();
    session.feed("220 x\r\n250-x\r\n250 " + std::string(keyword) + "\r\n");
    EXPECT_EQ(session.peer_size_limit(), 0u) << keyword;
  }
}

TEST(ClientSession, appends_to_the_buffer_of_an_owner_that_has_one) {
  client_session session({.helo_name = "client.test"});
  const outgoing m{"a@x.test"};
  std::string buffer;
  session.connected();
  session.feed("220 x\r\n");
  session.drain_output(buffer);
  session.drain_output(buffer);
  EXPECT_EQ(buffer, "EHLO client.test\r\n");
  session.feed("250-x\r\n250 PIPELINING\r\n");
  session.begin(m.to_begin());
  session.feed("250 Ok\r\n250 Ok\r\n354 go\r\n");
  buffer.clear();
  session.drain_output(buffer);
  buffer += m.body;
  session.drain_after_body(buffer);
  EXPECT_THAT(buffer, ::testing::EndsWith("DATA\r\nSubject: x\r\n\r\nhello\r\n.\r\n"));
}

}  // namespace
}  // namespace gonets::smtp
