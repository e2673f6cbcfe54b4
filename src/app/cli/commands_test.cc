#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "app/cli/context.h"
#include "httpd/json.h"

namespace gonets::app::cli {
namespace {
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const wall_time noon{std::chrono::milliseconds(1'740'830'400'000)};  // 2025-03-01T12:00:00Z
const message_id some_id{0x00C0FFEE12345678};
const std::string some_text = to_text(some_id);

class commands : public testing::Test {
 protected:
  using command_function = int (*)(const arguments&, const context&);

  int run(command_function command, const arguments& given) {
    const context with{
        .out = out_,
        .err = err_,
        .screen = screen_,
        .now = [] { return noon; },
        .ask = [this](const std::string& method, const std::string& target,
                      const std::string& body) -> std::expected<api_answer, api_failure> {
          asked_.push_back(method + " " + target + (body.empty() ? "" : " " + body));
          if (failure_) return std::unexpected(*failure_);
          if (answers_.empty()) return api_answer{200, "application/json", "{}"};
          auto next = answers_.front();
          if (answers_.size() > 1) answers_.erase(answers_.begin());
          return next;
        },
        .wait = [this] { return --polls_ > 0; },
        .audit_spool = [this](const std::string& path) -> std::expected<httpd::audit_report, std::string> {
          asked_.push_back("audit of " + path);
          return report_;
        },
        .spool_path = spool_path_};
    return command(given, with);
  }
  void answer(std::string body) { answers_.push_back({200, "application/json", std::move(body)}); }
  void refuse(unsigned status, std::string body) { answers_ = {{status, "application/json", std::move(body)}}; }
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  static httpd::queue_row a_row() {
    return {.id = some_id,
            .state = "deferred",
            .sender = "a@example.org",
            .recipient = "b@example.com",
            .stream = "bulk",
            .message_bytes = 1234,
            .accepted = noon - 3min,
            .next_attempt = noon + 12min,
            .attempts = 2,
            .last_answer = {450, {4, 2, 1}, "come back\nlater"}};
  }

  std::vector<api_answer> answers_;  // the last one stays
  std::optional<api_failure> failure_;
  std::vector<std::string> asked_;
  httpd::audit_report report_;
  std::string spool_path_;
  int polls_ = 1;
  terminal screen_;
  std::ostringstream out_, err_;
};

TEST_F(commands, list_asks_with_the_filters_and_shows_a_table) {
  answer(httpd::to_json(httpd::queue_page{{a_row()}, 41}));
  EXPECT_EQ(run(queue_list, {.filter = {.recipient = "b+x@example.com", .older_than = "2h"}, .max = 7}), exit_fine);
  EXPECT_EQ(asked_.at(0), "GET /v1/queue/messages?recipient=b%2Bx%40example.com&older_than=2h&max=7");
  EXPECT_EQ(out(), "ID            RECIPIENT      STATE     ACCEPTED  TRIES    NEXT  LAST ANSWER\n" + some_text +
                       "  b@example.com  deferred    3m ago      2  in 12m  450 4.2.1 come back later\n"
                       "1 of 41; narrow it down, or ask for more with --max\n");
}

TEST_F(commands, list_says_that_nothing_matches) {
  answer(httpd::to_json(httpd::queue_page{}));
  EXPECT_EQ(run(queue_list, {}), exit_fine);
  EXPECT_THAT(out(), HasSubstr("Nothing"));
}

TEST_F(commands, json_is_printed_as_the_server_sent_it) {
  const auto body = httpd::to_json(httpd::queue_page{{a_row()}, 1});
  answer(body);
  EXPECT_EQ(run(queue_list, {.json = true}), exit_fine);
  EXPECT_EQ(out(), body + "\n");
}

TEST_F(commands, summary_adds_up_the_states_and_warns_while_loading) {
  httpd::queue_summary s{.ready = 1, .sending = 2, .deferred = 3, .held = 4, .resolving = 5, .loading = true};
  s.lines.push_back({.site = "mx.example.com", .site_state = "suspended", .site_reason = "421", .deferred = 3});
  s.lines_in_all = 9;
  answer(httpd::to_json(s));
  EXPECT_EQ(run(queue_summary, {}), exit_fine);
  EXPECT_THAT(out(), HasSubstr("15 recipients: 1 ready, 2 being sent, 3 deferred, 4 held, 5 being resolved\n"));
  EXPECT_THAT(out(), HasSubstr("still being read"));
  EXPECT_THAT(out(), HasSubstr("mx.example.com      0        0         3     0      0  suspended  421\n"));
  EXPECT_THAT(out(), HasSubstr("1 of 9 sites"));
}

TEST_F(commands, show_describes_the_message_and_its_recipients) {
  answer(httpd::to_json(httpd::queue_page{{a_row()}, 1}));
  EXPECT_EQ(run(queue_show, {.id = some_text}), exit_fine);
  EXPECT_EQ(asked_.at(0), "GET /v1/queue/messages/" + some_text);
  EXPECT_THAT(out(), HasSubstr("accepted  2025-03-01 11:57:00Z (3m ago)"));
  EXPECT_THAT(out(), HasSubstr("b@example.com  deferred"));
}

TEST_F(commands, content_goes_out_byte_for_byte_but_not_to_a_terminal) {
  answers_ = {{200, "message/rfc822", "Subject: \x1b[2J\xFF\r\n\r\nhi\r\n"}};
  EXPECT_EQ(run(queue_show, {.id = some_text, .content = true}), exit_fine);
  EXPECT_EQ(asked_.at(0), "GET /v1/queue/messages/" + some_text + "/content");
  EXPECT_EQ(out(), "Subject: \x1b[2J\xFF\r\n\r\nhi\r\n");
  out_.str("");
  screen_.interactive = true;
  EXPECT_EQ(run(queue_show, {.id = some_text, .content = true}), exit_fine);
  EXPECT_EQ(out(), "Subject: ?[2J?\n\nhi\n");
}

TEST_F(commands, acting_sends_what_was_given_and_counts) {
  answer(R"({"affected":3})");
  EXPECT_EQ(run(queue_act, {.what = command::queue_hold, .filter = {.domain = "example.com"}, .reason = "moving"}),
            exit_fine);
  EXPECT_EQ(asked_.at(0),
            R"(POST /v1/queue/actions {"action":"hold","filter":{"domain":"example.com"},"reason":"moving"})");
  EXPECT_EQ(out(), "3 recipients held\n");
}

TEST_F(commands, removing_all_says_so_to_the_server) {
  answer(R"({"affected":1})");
  EXPECT_EQ(run(queue_act, {.what = command::queue_remove, .all = true}), exit_fine);
  EXPECT_EQ(asked_.at(0), R"(POST /v1/queue/actions {"action":"remove","filter":{},"all":true})");
}

TEST_F(commands, acting_on_a_message_that_is_not_there_is_a_negative_verdict) {
  answer(R"({"affected":0})");
  EXPECT_EQ(run(queue_act, {.what = command::queue_retry, .filter = {.id = some_text}}), exit_negative);
  EXPECT_EQ(run(queue_act, {.what = command::queue_retry, .filter = {.domain = "example.com"}}), exit_fine);
}

TEST_F(commands, refusals_are_shown_with_their_hint) {
  refuse(404, R"({"error":{"code":"not_queued","message":"no message X is queued","hint":"see trace"}})");
  EXPECT_EQ(run(why, {.id = some_text}), exit_negative);
  EXPECT_EQ(err(), "gonets: no message X is queued; see trace\n");
  EXPECT_EQ(out(), "");
}

TEST_F(commands, bad_requests_are_bad_usage) {
  refuse(400, R"({"error":{"code":"invalid_parameter","message":"state"}})");
  EXPECT_EQ(run(queue_list, {}), exit_bad_usage);
}

TEST_F(commands, answers_that_are_not_understood_are_failures) {
  refuse(502, "<html>");
  EXPECT_EQ(run(queue_list, {}), exit_negative);
  EXPECT_THAT(err(), HasSubstr("502"));
  answers_ = {{200, "", "<html>"}};
  EXPECT_EQ(run(queue_list, {}), exit_negative);
  EXPECT_THAT(err(), HasSubstr("not understood"));
}

TEST_F(commands, trace_tells_each_step_with_the_peers_words_whole) {
  events::event e;
  e.kind = events::kind::deferred;
  e.at = noon;
  e.message = some_id;
  e.recipients = {{recipient_index{0}, "b@example.com"}, {recipient_index{1}, "c@example.com"}};
  e.at_stage = stage::rcpt;
  e.answer = {450, {4, 2, 1}, std::string(200, 'x') + "\x1b[2J"};
  e.remote_host = "mx.example.com";
  e.remote_address = "192.0.2.5";
  e.attempts = 1;
  e.duration_ms = 30;
  e.next_attempt = noon + 12min;
  answer(httpd::trace_json(some_id, std::vector{e}, accounts::directory({})));
  EXPECT_EQ(run(trace, {.id = some_text}), exit_fine);
  EXPECT_EQ(out(),
            "2025-03-01 12:00:00Z  deferred  b@example.com and 1 more\n"
            "                      rcpt at mx.example.com [192.0.2.5], attempt 1, 30 ms: 450 4.2.1 " +
                std::string(200, 'x') +
                "?[2J\n"
                "                      next attempt 2025-03-01 12:12:00Z (in 12m)\n");
}

TEST_F(commands, why_lists_the_obstacles_in_order) {
  httpd::why_row w{.row = a_row(), .expected = noon + 12min};
  w.obstacles = {{"retry_time", "deferred after 450", noon + 12min}, {"site_connections", "all 20 in use", {}}};
  answer(httpd::why_json(some_id, std::vector{w}));
  EXPECT_EQ(run(why, {.id = some_text}), exit_fine);
  EXPECT_EQ(out(),
            "b@example.com: deferred, 2 attempts made\n"
            "  last answer: 450 4.2.1 come back later\n"
            "  1. deferred after 450 (retry_time), until 2025-03-01 12:12:00Z (in 12m)\n"
            "  2. all 20 in use (site_connections)\n"
            "  expected: in 12m\n");
}

TEST_F(commands, why_without_obstacles_says_that_it_is_being_sent) {
  answer(httpd::why_json(some_id, std::vector{httpd::why_row{.row = a_row()}}));
  run(why, {.id = some_text});
  EXPECT_THAT(out(), HasSubstr("it is being sent"));
}

TEST_F(commands, audit_of_a_running_server_ends_with_its_verdict) {
  httpd::audit_report r{.messages = 1, .accepted = 2, .delivered = 2};
  answer(httpd::to_json(r));
  EXPECT_EQ(run(audit, {}), exit_fine);
  EXPECT_THAT(out(), HasSubstr("It adds up."));
  out_.str("");
  r.delivered = 1;
  answers_.clear();
  answer(httpd::to_json(r));
  EXPECT_EQ(run(audit, {}), exit_negative);
  EXPECT_THAT(out(), HasSubstr("It does NOT add up."));
}

TEST_F(commands, audit_lists_what_is_wrong_and_how_much_more_there_is) {
  report_ = {.accepted = 5, .problems = {{some_id, "lost"}}};
  report_.problems_in_all = 5;
  EXPECT_EQ(run(audit, {.spool = "/spool"}), exit_negative);
  EXPECT_EQ(asked_, std::vector<std::string>{"audit of /spool"});
  EXPECT_THAT(out(), HasSubstr(some_text + ": lost\nand 4 more\n"));
}

TEST_F(commands, audit_reads_the_spool_of_a_server_that_is_not_running) {
  failure_ = api_failure{true, "no server"};
  spool_path_ = "/from/config";
  EXPECT_EQ(run(audit, {}), exit_fine);
  EXPECT_EQ(asked_.back(), "audit of /from/config");
}

TEST_F(commands, audit_never_reads_the_spool_behind_a_running_servers_back) {
  failure_ = api_failure{false, "not allowed"};
  spool_path_ = "/from/config";
  EXPECT_EQ(run(audit, {}), exit_negative);
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_EQ(err(), "gonets: not allowed\n");
}

TEST_F(commands, audit_without_a_known_spool_says_how_to_name_it) {
  failure_ = api_failure{true, "no server is running at /s"};
  EXPECT_EQ(run(audit, {}), exit_negative);
  EXPECT_THAT(err(), HasSubstr("--spool DIR"));
}

TEST_F(commands, events_are_one_line_each) {
  events::event e;
  e.seq = event_seq{12};
  e.kind = events::kind::accepted;
  e.at = noon;
  e.message = some_id;
  e.sender = "a@example.org";
  e.recipients = {{recipient_index{0}, "b@example.com"}};
  e.message_bytes = 9;
  answer(httpd::events_json({.events = {{e.seq, e.kind, events::to_json(e)}}, .next = event_seq{12}}));
  EXPECT_EQ(run(events, {.max = 5, .events = {.after = "11"}}), exit_fine);
  EXPECT_EQ(asked_.at(0), "GET /v1/events?after=11&max=5");
  EXPECT_EQ(out(), "12 2025-03-01 12:00:00Z " + some_text + " accepted  b@example.com from a@example.org, 9 bytes\n");
}

TEST_F(commands, followed_events_go_on_from_the_cursor_and_the_server_does_the_waiting) {
  answer(httpd::events_json(
      {.events = {{event_seq{12}, events::kind::bounced, R"({"seq":12})"}}, .next = event_seq{14}, .lost = 3}));
  answers_.push_back({503, "application/json", R"({"error":{"code":"busy","message":"stopping"}})"});
  EXPECT_EQ(run(events, {.json = true, .follow = true, .events = {.kinds = {"bounced", "expired"}}}), exit_negative);
  EXPECT_EQ(asked_, (std::vector<std::string>{"GET /v1/events?max=1000&kind=bounced%2Cexpired&wait=30",
                                              "GET /v1/events?after=14&max=1000&kind=bounced%2Cexpired&wait=30"}));
  EXPECT_EQ(out(), "{\"seq\":12}\n");
  EXPECT_THAT(err(), HasSubstr("3 events gone"));
}

TEST_F(commands, tls_policy_shows_what_applies_to_each_host) {
  answer(R"({"domain":"a.test","route":"mx","level":"opportunistic","mx_secure":true,"mta_sts":{"state":"none",)"
         R"("trouble":"the policy host answers 404"},"hosts":[{"name":"mx.a.test","policy":"dane","tlsa":"usable",)"
         R"("tlsa_records":["3 1 1 00"],"sts_allows":true}]})");
  EXPECT_EQ(run(tls_policy_show, {.domain = "a.test", .refresh = true}), exit_fine);
  EXPECT_EQ(asked_.back(), "GET /v1/tls-policies/a.test?refresh=1");
  EXPECT_EQ(out(),
            "Domain:   a.test\n"
            "Level:    opportunistic (configured)\n"
            "MTA-STS:  no policy\n"
            "          last trouble: the policy host answers 404\n"
            "DNSSEC:   the mail hosts are validated\n"
            "HOST       POLICY  TLSA    RECORDS\n"
            "mx.a.test  dane    usable  3 1 1 00\n");
}

TEST_F(commands, tls_report_lists_shows_and_sends) {
  answer(R"({"reports":[{"domain":"a.test","day":"2025-03-01","state":"pending","due":"2025-03-01T12:12:00.000Z",)"
         R"("successful_sessions":2,"failed_sessions":1}]})");
  EXPECT_EQ(run(tls_report_list, {}), exit_fine);
  EXPECT_EQ(out(),
            "DAY         DOMAIN  STATE    DUE     GOOD  FAILED\n"
            "2025-03-01  a.test  pending  in 12m     2       1\n");
  EXPECT_EQ(run(tls_report_show, {.domain = "a.test"}), exit_fine);
  EXPECT_EQ(asked_.back(), "GET /v1/tls-reports/a.test?day=2025-03-01") << "today's";
  answers_.clear();
  answer(R"({"sending":2})");
  EXPECT_EQ(run(tls_report_send, {.domain = "", .day = "2025-02-28"}), exit_fine);
  EXPECT_EQ(asked_.back(), "POST /v1/tls-reports/send?day=2025-02-28");
  EXPECT_THAT(out(), HasSubstr("2 reports sent now"));
}

TEST_F(commands, domain_reports_have_a_table_for_each_kind) {
  answer(
      R"({"since":"2025-02-22T12:00:00.000Z","domains":[{"domain":"a.test","reports":2,"messages":8,"aligned":7}],)"
      R"("dmarc":[{"domain":"a.test","source":"192.0.2.1","messages":8,"disposition":"none","dkim":"pass","spf":"fail",)"
      R"("reporter":"b.test","latest":"2025-03-01T03:00:00.000Z"}],)"
      R"("tls":[{"domain":"a.test","policy":"sts","result":"success","sessions":4,"reporter":"b.test"}]})");
  arguments given{.max = 5, .since = "30d"};
  given.sender_domain = "a.test";
  EXPECT_EQ(run(domain_reports, given), exit_fine);
  EXPECT_EQ(asked_.back(), "GET /v1/domain-reports?domain=a.test&since=30d&max=5");
  EXPECT_EQ(out(),
            "Mail in these domains' names (DMARC):\n\n"
            "DOMAIN  REPORTS  MESSAGES  ALIGNED %\n"
            "a.test        2         8       87.5\n\n"
            "DOMAIN  SOURCE     MESSAGES  DISPOSITION  DKIM  SPF   REPORTER  LATEST\n"
            "a.test  192.0.2.1         8  none         pass  fail  b.test    9h ago\n\n"
            "Sessions of others that bring these domains their mail (TLS reports):\n\n"
            "DOMAIN  POLICY  RESULT   SESSIONS  REPORTER\n"
            "a.test  sts     success         4  b.test\n");
}

TEST_F(commands, capture_lists_and_shows) {
  answer(httpd::capture_json(std::vector{httpd::captured_message{.id = "12",
                                                                 .at = noon - 1min,
                                                                 .sender = "a@example.org",
                                                                 .recipient = "b@example.com",
                                                                 .subject = "Hi\x1b[2J"}}));
  EXPECT_EQ(run(capture_list, {}), exit_fine);
  EXPECT_EQ(out(),
            "ID    WHEN  FROM           TO             SUBJECT  BYTES\n"
            "12  1m ago  a@example.org  b@example.com  Hi?[2J       0\n");
  out_.str("");
  answers_ = {{200, "message/rfc822", "Subject: hi\r\n"}};
  EXPECT_EQ(run(capture_show, {.json = true, .id = "1/2"}), exit_fine);
  EXPECT_EQ(asked_.back(), "GET /v1/capture/1%2F2");
  EXPECT_EQ(out(), "{\"id\":\"1/2\",\"content\":\"Subject: hi\\r\\n\"}\n");
}

TEST_F(commands, list_who_is_locked_out_and_until_when) {
  answer(R"({"lockouts":[{"of":"source","name":"192.0.2.1","failures":10,"locked_until":"2025-03-01T12:15:00.000Z"},)"
         R"({"of":"login","name":"alice","failures":2}]})");
  EXPECT_EQ(run(auth_lockouts, {.what = command::auth_lockouts}), exit_fine);
  EXPECT_THAT(asked_, testing::ElementsAre("GET /v1/auth/lockouts?max=100"));
  EXPECT_THAT(out(), HasSubstr("192.0.2.1"));
  EXPECT_THAT(out(), HasSubstr("in 15m"));
}

TEST_F(commands, unlock_by_a_name_that_is_no_path) {
  EXPECT_EQ(run(auth_unlock, {.what = command::auth_unlock, .id = "2001:db8::/64"}), exit_fine);
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_THAT(asked_[0], testing::StartsWith("DELETE /v1/auth/lockouts/2001"));
  EXPECT_THAT(asked_[0], Not(HasSubstr("/64")));
  refuse(404, R"({"error":{"code":"not_found","message":"no failed login"}})");
  EXPECT_EQ(run(auth_unlock, {.what = command::auth_unlock, .id = "x"}), exit_negative);
}

TEST_F(commands, explain_how_fast_a_site_is_sent_to) {
  answer(
      R"x({"site":"mx:a.test","egress":"default","state":"held","reason":"rule","until":"2025-03-01T12:15:00.000Z",)x"
      R"x("waiting":7,"sending":1,"connections":2,"connections_max":4,"paced":true,"streams":[{"name":"bulk",)x"
      R"x("waiting":7,"rate":0.5,"good_rate":2.0,"phase":"cruising","connections":4}],"limits":[{"what":)x"
      R"x("10 messages a minute for site mx:a.test (rules: a)","used":10,"max":10,"blocks":true}]})x");
  EXPECT_EQ(run(shaping_explain, {.what = command::shaping_explain, .domain = "bob@a.test"}), exit_fine);
  EXPECT_THAT(asked_, testing::ElementsAre("GET /v1/sites/a.test"));
  for (const auto* said : {"mx:a.test", "held, again in 15m (rule)", "2 of 4", "30/m", "cruising", "2/s",
                           "10 messages a minute for site mx:a.test (rules: a)", "yes"})
    EXPECT_THAT(out(), HasSubstr(said));
}

TEST_F(commands, history_has_a_line_for_each_change_and_one_for_its_evidence) {
  answer(
      R"x({"site":"mx:a.test","changes":[{"at":"2025-03-01T11:59:00.000Z","stream":"bulk","change":"throttled: 8 -> 4)x"
      R"x( messages a second, 2 connections; since the last change 9 accepted, 1 throttled; rule a-rate"},)x"
      R"x({"at":"2025-03-01T11:59:30.000Z","change":"site held: a-rest"}],"changes_in_all":7,"log_events":2000000,)x"
      R"x("log_from":"2025-03-01T11:00:00.000Z","log_cut":true})x");
  arguments given{.what = command::shaping_history, .max = 2, .since = "2h", .domain = "bob@a.test"};
  EXPECT_EQ(run(shaping_history, given), exit_fine);
  EXPECT_EQ(out(),
            "mx:a.test: 7 changes, the last 2 of them\n"
            "Only the last 2000000 events were searched, from 2025-03-01 11:00:00Z on.\n"
            "2025-03-01 11:59:00Z  bulk            throttled: 8 -> 4 messages a second, 2 connections\n"
            "                      since the last change 9 accepted, 1 throttled; rule a-rate\n"
            "2025-03-01 11:59:30Z                  site held: a-rest\n");
  given.domain = "mx:a.test,b.test";
  EXPECT_EQ(run(shaping_history, given), exit_fine);
  EXPECT_THAT(asked_, testing::ElementsAre("GET /v1/sites/a.test/pace/history?since=2h&max=2",
                                           "GET /v1/sites/mx%3Aa.test%2Cb.test/pace/history?since=2h&max=2"));
}

TEST_F(commands, hold_adds_lists_and_releases) {
  answer(R"x({"id":3,"stream":"bulk","domain":"a.test","recipients":1,"reason":"moved"})x");
  arguments add{.what = command::hold_add, .reason = "moved"};
  add.filter.domain = "a.test";
  add.shaping.stream = "bulk";
  EXPECT_EQ(run(hold_add, add), exit_fine);
  EXPECT_EQ(run(hold_release, {.what = command::hold_release, .id = "3"}), exit_fine);
  EXPECT_EQ(out(),
            "hold 3: stream bulk, domain a.test; 1 recipient kept back now; `gonets hold release 3` ends it\n"
            "released hold 3 (stream bulk, domain a.test): 1 recipient can go\n");
  EXPECT_THAT(asked_, testing::ElementsAre(R"(POST /v1/holds {"stream":"bulk","domain":"a.test","reason":"moved"})",
                                           "DELETE /v1/holds/3"));
}

TEST_F(commands, hold_list_says_what_each_keeps_back) {
  answer(R"x({"holds":[{"id":12,"account":"shop","recipients":7,"since":"2025-03-01T11:57:00.000Z","reason":"x"}]})x");
  EXPECT_EQ(run(hold_list, {}), exit_fine);
  EXPECT_EQ(out(),
            "ID  HOLDS         RECIPIENTS   SINCE  REASON\n"
            "12  account shop           7  3m ago  x\n");
}

TEST_F(commands, pin_and_release_a_site) {
  arguments pin{.what = command::shaping_pin, .domain = "a.test"};
  pin.shaping = {"20/m", "bulk", 2};
  EXPECT_EQ(run(shaping_pin, pin), exit_fine);
  EXPECT_EQ(run(shaping_release, pin), exit_fine);
  EXPECT_THAT(asked_,
              testing::ElementsAre(R"(PUT /v1/sites/a.test/pace {"rate":"20/m","connections":2,"stream":"bulk"})",
                                   "DELETE /v1/sites/a.test/pace?stream=bulk"));
  refuse(404, R"({"error":{"code":"no_site","message":"a.test takes no mail"}})");
  EXPECT_EQ(run(shaping_explain, pin), exit_negative);
}

}  // namespace
}  // namespace gonets::app::cli
