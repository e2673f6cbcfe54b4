#include "httpd/router.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "httpd/fake_control_test_support.h"

namespace gonets::httpd {
namespace {
namespace json = boost::json;
using std::chrono::hours;
using std::chrono::milliseconds;
using testing::HasSubstr;

const message_id some_id{0x00C0FFEE12345678};
const std::string some_text = to_text(some_id);

class router : public testing::Test {
 protected:
  response ask(std::string method, std::string target, std::string body = "") {
    return ask(request{.method = std::move(method), .target = std::move(target), .body = std::move(body)});
  }
  response ask(const request& asked) {
    std::optional<response> got;
    handle(asked, server_, [&got](response r) {
      EXPECT_FALSE(got) << "answered twice";
      got = std::move(r);
    });
    EXPECT_TRUE(got) << "not answered";
    return got.value_or(response{.status = 0});
  }
  response get(std::string target) { return ask("GET", std::move(target)); }

  json::value get_json(const std::string& target) {
    const auto got = get(target);
    EXPECT_EQ(got.status, 200u) << got.body;
    EXPECT_EQ(got.content_type, "application/json");
    return json::parse(got.body);
  }

  static void expect_error(const response& got, unsigned status, std::string_view code, std::string_view part = "") {
    EXPECT_EQ(got.status, status) << got.body;
    const auto body = json::parse(got.body);
    EXPECT_EQ(body.at("error").at("code").as_string(), code);
    EXPECT_THAT(got.body, HasSubstr(std::string(part)));
  }

  static queue_row a_row() {
    return {.id = some_id,
            .index = recipient_index{3},
            .state = "deferred",
            .sender = "a@example.org",
            .recipient = "b@example.com",
            .stream = "bulk",
            .message_bytes = 1234,
            .accepted = wall_time(milliseconds(1'740'830'400'000)),
            .next_attempt = wall_time(milliseconds(1'740'830'460'007)),
            .attempts = 2,
            .site = "mx.example.com",
            .last_stage = stage::rcpt,
            .last_answer = {450, {4, 2, 1}, "come back later"}};
  }

  fake_control server_;
};

TEST_F(router, has_exactly_the_routes_of_the_openapi_document) {
  std::ifstream document(std::filesystem::path(__FILE__).parent_path() / "../../api/openapi.yaml");
  ASSERT_TRUE(document) << "api/openapi.yaml";
  std::set<std::string> described;
  std::string line;
  std::string path;
  while (std::getline(document, line) && line != "components:") {
    if (line.starts_with("  /")) path = line.substr(2, line.size() - 3);
    for (const auto* method : {"get", "post", "delete", "put", "patch"}) {
      if (line != fmt::format("    {}:", method)) continue;
      std::string upper(method);
      for (char& c : upper)
        c = static_cast<char>(c - 'a' + 'A');
      described.insert(upper + " " + path);
    }
  }
  std::set<std::string> routed;
  for (const auto& r : routes())
    routed.insert(fmt::format("{} {}", r.method, r.pattern));
  EXPECT_EQ(routed, described);
}

TEST_F(router, says_that_it_is_alive_also_when_not_ready) {
  server_.is_ready = {false, "the spool is being read"};
  EXPECT_EQ(get("/healthz").body, R"({"status":"ok"})");
  const auto got = get("/readyz");
  EXPECT_EQ(got.status, 503u);
  EXPECT_EQ(got.body, R"({"ready":false,"reason":"the spool is being read"})");
}

TEST_F(router, says_that_it_is_ready) {
  EXPECT_EQ(get("/readyz").body, R"({"ready":true})");
}

TEST_F(router, serves_metrics_as_prometheus_wants_them) {
  const auto got = get("/metrics");
  EXPECT_EQ(got.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(got.body, "gonets_up 1\n");
}

TEST_F(router, tells_its_version) {
  EXPECT_EQ(get_json("/v1/version").at("version").as_string(), GONETS_VERSION);
}

TEST_F(router, answers_head_like_get) {
  EXPECT_EQ(ask("HEAD", "/healthz").status, 200u);
}

TEST_F(router, summarizes_the_queue) {
  server_.summary_answer = {.ready = 1, .deferred = 5, .loading = true, .lines_in_all = 7};
  server_.summary_answer.lines.push_back({.site = "mx.example.com", .site_state = "suspended", .deferred = 5});
  const auto got = get_json("/v1/queue?lines=3");
  EXPECT_EQ(server_.asked_max, 3u);
  EXPECT_EQ(got.at("deferred").as_int64(), 5);
  EXPECT_TRUE(got.at("loading").as_bool());
  EXPECT_EQ(got.at("sites_in_all").as_int64(), 7);
  EXPECT_EQ(got.at("sites").at(0).at("state").as_string(), "suspended");
  EXPECT_FALSE(got.at("sites").at(0).as_object().contains("next_attempt"));
}

TEST_F(router, lists_what_matches_all_of_the_filters) {
  server_.list_answer = {{a_row()}, 41};
  const auto got = get_json("/v1/queue/messages?id=" + some_text +
                            "&recipient=b%2Btag@example.com&domain=example.com&account=default&state=held"
                            "&older_than=2h&max=7");
  EXPECT_EQ(server_.asked_filter.id, some_id);
  EXPECT_EQ(server_.asked_filter.recipient, "b+tag@example.com");
  EXPECT_EQ(server_.asked_filter.domain, "example.com");
  EXPECT_EQ(server_.asked_filter.account, "default");
  EXPECT_EQ(server_.asked_filter.state, "held");
  EXPECT_EQ(server_.asked_filter.older_than, hours(2));
  EXPECT_EQ(server_.asked_max, 7u);
  EXPECT_EQ(got.at("matching").as_int64(), 41);
  const auto& row = got.at("rows").at(0);
  EXPECT_EQ(row.at("message_id").as_string(), some_text);
  EXPECT_EQ(row.at("index").as_int64(), 3);
  EXPECT_EQ(row.at("accepted").as_string(), "2025-03-01T12:00:00.000Z");
  EXPECT_EQ(row.at("next_attempt").as_string(), "2025-03-01T12:01:00.007Z");
  EXPECT_EQ(row.at("last_stage").as_string(), "rcpt");
  EXPECT_EQ(row.at("last_reply").at("status").as_string(), "4.2.1");
  EXPECT_FALSE(row.as_object().contains("hold_reason"));
}

TEST_F(router, takes_ages_of_less_than_a_second_for_filters_too) {
  get("/v1/queue/messages?older_than=1ms");
  EXPECT_EQ(server_.asked_filter.older_than, milliseconds(1));
  EXPECT_FALSE(server_.asked_filter.empty());
}

TEST_F(router, takes_a_plus_in_a_query_for_a_plus) {
  get("/v1/queue/messages?recipient=b+tag@example.com");
  EXPECT_EQ(server_.asked_filter.recipient, "b+tag@example.com");
}

TEST_F(router, refuses_an_unknown_filter_and_names_the_valid_ones) {
  const auto got = get("/v1/queue/messages?domian=example.com");
  expect_error(got, 400, "unknown_parameter", "id, recipient, domain, account, state, older_than, max");
  EXPECT_THAT(got.body, HasSubstr("did you mean \\\"domain\\\"?"));
  EXPECT_EQ(server_.calls, 0);
}

TEST_F(router, refuses_an_unknown_state_and_names_the_valid_ones) {
  expect_error(get("/v1/queue/messages?state=stuck"), 400, "invalid_parameter",
               "ready, deferred, held, paused, sending, resolving");
}

TEST_F(router, refuses_an_empty_filter_rather_than_matching_everything) {
  expect_error(get("/v1/queue/messages?domain="), 400, "invalid_parameter", "domain");
}

TEST_F(router, refuses_a_parameter_given_twice) {
  expect_error(get("/v1/queue/messages?domain=a.example&domain=b.example"), 400, "invalid_parameter", "twice");
}

TEST_F(router, refuses_durations_and_numbers_that_are_none) {
  expect_error(get("/v1/queue/messages?older_than=soon"), 400, "invalid_parameter", "2h");
  for (const auto* max : {"0", "1001", "-1", "ten", "10x", "", "99999999999999999999"}) {
    expect_error(get(fmt::format("/v1/queue/messages?max={}", max)), 400, "invalid_parameter", "from 1 to 1000");
  }
  EXPECT_EQ(server_.calls, 0);
}

TEST_F(router, refuses_ids_that_are_none_on_every_path_that_takes_one) {
  for (const auto& [method, pattern] : routes()) {
    std::string path(pattern);
    const auto at = path.find("{id}");
    if (!pattern.contains("/messages/{id}")) continue;
    for (const auto* bad : {"nonsense", "0000000000000", "00000000000%2F", "000000000000"}) {
      expect_error(ask(std::string(method), std::string(path).replace(at, 4, bad)), 400, "invalid_id");
    }
  }
  EXPECT_EQ(server_.calls, 0);
}

TEST_F(router, shows_a_queued_message) {
  server_.show_answer = queue_page{{a_row()}, 1};
  EXPECT_EQ(get_json("/v1/queue/messages/" + some_text).at("rows").at(0).at("recipient").as_string(), "b@example.com");
  EXPECT_EQ(server_.asked_id, some_id);
}

TEST_F(router, says_that_a_message_is_not_queued_and_where_to_look) {
  for (const auto* path : {"/v1/queue/messages/{}", "/v1/queue/messages/{}/content", "/v1/messages/{}/why"}) {
    expect_error(get(fmt::format(fmt::runtime(path), some_text)), 404, "not_queued", "gonets trace " + some_text);
  }
}

TEST_F(router, hands_out_content_byte_for_byte) {
  server_.content_answer = "Subject: \xFF\r\n\r\nhello\r\n";
  const auto got = get("/v1/queue/messages/" + some_text + "/content");
  EXPECT_EQ(got.content_type, "message/rfc822");
  EXPECT_EQ(got.body, *server_.content_answer);
}

TEST_F(router, removes_a_message) {
  server_.affected = 2;
  EXPECT_EQ(ask("DELETE", "/v1/queue/messages/" + some_text + "?reason=wrong%20list").body, R"({"affected":2})");
  EXPECT_EQ(server_.asked_action, queue_action::remove);
  EXPECT_EQ(server_.asked_filter.id, some_id);
  EXPECT_EQ(server_.asked_reason, "wrong list");
  server_.affected = 0;
  expect_error(ask("DELETE", "/v1/queue/messages/" + some_text), 404, "not_queued");
}

TEST_F(router, acts_on_what_the_filter_matches) {
  server_.affected = 9;
  const auto got =
      ask("POST", "/v1/queue/actions", R"({"action":"hold","filter":{"domain":"example.com"},"reason":"moving"})");
  EXPECT_EQ(got.body, R"({"affected":9})");
  EXPECT_EQ(server_.asked_action, queue_action::hold);
  EXPECT_EQ(server_.asked_filter.domain, "example.com");
  EXPECT_EQ(server_.asked_reason, "moving");
}

TEST_F(router, retries_the_whole_queue_but_removes_it_only_when_told_so_twice) {
  EXPECT_EQ(ask("POST", "/v1/queue/actions", R"({"action":"retry"})").status, 200u);
  EXPECT_EQ(server_.calls, 1);
  expect_error(ask("POST", "/v1/queue/actions", R"({"action":"remove"})"), 400, "invalid_body", "all");
  expect_error(ask("POST", "/v1/queue/actions", R"({"action":"remove","filter":{}})"), 400, "invalid_body", "all");
  EXPECT_EQ(server_.calls, 1);
  EXPECT_EQ(ask("POST", "/v1/queue/actions", R"({"action":"remove","all":true})").status, 200u);
  EXPECT_TRUE(server_.asked_filter.empty());
}

TEST_F(router, refuses_actions_that_it_does_not_understand) {
  for (const auto& [body, part] : std::vector<std::pair<std::string, std::string>>{
           {"", "not JSON"},
           {"[]", "not an object"},
           {"{}", "retry, hold, release, remove"},
           {R"({"action":"delete"})", "retry, hold, release, remove"},
           {R"({"action":1})", "string"},
           {R"({"action":"retry","filter":"all"})", "object"},
           {R"({"action":"retry","filter":{"domain":1}})", "filter.domain"},
           {R"({"action":"retry","filters":{}})", "did you mean"},
           {R"({"action":"retry","all":"yes"})", "true or false"},
           {R"({"action":"retry"} x)", "not JSON"},
           {std::string(100'000, '['), "not JSON"}}) {
    expect_error(ask("POST", "/v1/queue/actions", body), 400, "invalid_body", part);
  }
  expect_error(ask("POST", "/v1/queue/actions", R"({"action":"retry","filter":{"sender":"x"}})"), 400,
               "unknown_parameter", "recipient, domain");
  expect_error(ask("POST", "/v1/queue/actions", R"({"action":"retry","reason":"a\nb"})"), 400, "invalid_parameter",
               "control");
  expect_error(
      ask("POST", "/v1/queue/actions", fmt::format(R"({{"action":"retry","reason":"{}"}})", std::string(501, 'x'))),
      400, "invalid_parameter", "500");
  EXPECT_EQ(server_.calls, 0);
}

TEST_F(router, traces_a_message) {
  events::event e;
  e.seq = event_seq{7};
  e.message = some_id;
  server_.trace_answer = {e, e};
  const auto got = get_json("/v1/messages/" + some_text + "/trace");
  EXPECT_EQ(got.at("message_id").as_string(), some_text);
  EXPECT_EQ(got.at("events").as_array().size(), 2u);
  server_.trace_answer.clear();
  expect_error(get("/v1/messages/" + some_text + "/trace"), 404, "not_found", "event_retention");
}

TEST_F(router, stays_json_when_a_peer_spoke_no_utf8) {
  events::event e;
  e.message = some_id;
  e.answer = {550, {5, 1, 1}, "\xD0\xBD\xD0 kein Empf\xE4nger"};
  server_.trace_answer = {e};
  const auto got = get_json("/v1/messages/" + some_text + "/trace");
  EXPECT_EQ(got.at("events").at(0).at("reply").at("text").as_string(),
            "\xD0\xBD\xEF\xBF\xBD kein Empf\xEF\xBF\xBDnger");
}

TEST_F(router, tells_why_a_message_waits) {
  why_row w{.row = a_row(), .expected = a_row().next_attempt};
  w.obstacles.push_back({"retry_time", "deferred after 450", a_row().next_attempt});
  w.obstacles.push_back({"site_connections", "all 20 in use", {}});
  server_.why_answer = {w};
  const auto got = get_json("/v1/messages/" + some_text + "/why").at("recipients").at(0);
  EXPECT_EQ(got.at("recipient").as_string(), "b@example.com");
  EXPECT_EQ(got.at("obstacles").at(0).at("until").as_string(), "2025-03-01T12:01:00.007Z");
  EXPECT_FALSE(got.at("obstacles").at(1).as_object().contains("until"));
  EXPECT_EQ(got.at("expected").as_string(), "2025-03-01T12:01:00.007Z");
}

TEST_F(router, reports_an_audit_that_does_not_add_up) {
  server_.audit_answer = {.messages = 1, .accepted = 2, .delivered = 1, .problems = {{some_id, "lost"}}};
  server_.audit_answer.problems_in_all = 1;
  const auto got = get_json("/v1/audit");
  EXPECT_FALSE(got.at("balanced").as_bool());
  EXPECT_EQ(got.at("problems").at(0).at("message_id").as_string(), some_text);
}

TEST_F(router, lists_and_shows_captured_messages) {
  server_.captured_answer = {{.id = "c1", .queue_id = some_text, .recipient = "b@example.com", .subject = "hi"}};
  EXPECT_EQ(get_json("/v1/capture?max=2").at("messages").at(0).at("subject").as_string(), "hi");
  EXPECT_EQ(server_.asked_max, 2u);
  server_.captured_content_answer = "Subject: hi\r\n\r\n";
  EXPECT_EQ(get("/v1/capture/c1").body, "Subject: hi\r\n\r\n");
  EXPECT_EQ(server_.asked_capture, "c1");
  server_.captured_content_answer.reset();
  expect_error(get("/v1/capture/c2"), 404, "not_found", "gonets capture");
}

TEST_F(router, never_takes_a_path_for_a_capture_id) {
  server_.captured_content_answer = "root:x:0:0";
  for (const auto* id : {"..%2F..%2Fetc%2Fpasswd", "..", "", ".hidden", "a%00b", "a%5Cb"}) {
    expect_error(get(fmt::format("/v1/capture/{}", id)), 404, "not_found");
  }
  expect_error(get("/v1/capture/" + std::string(65, 'x')), 404, "not_found");
  EXPECT_EQ(server_.calls, 0);
}

TEST_F(router, answers_unknown_paths_and_methods) {
  expect_error(get("/"), 404, "unknown_path");
  expect_error(get("/v1/queue/"), 404, "unknown_path");
  expect_error(get("/v2/queue"), 404, "unknown_path");
  const auto got = ask("PUT", "/v1/queue/messages/" + some_text);
  expect_error(got, 405, "method_not_allowed");
  EXPECT_EQ(got.allow, "GET, DELETE");
}

TEST_F(router, refuses_targets_that_it_cannot_read) {
  for (const auto* target : {"", "*", "http://localhost/healthz", "/v1/queue/messages?domain=%zz", "/v1/%", "/%4"}) {
    expect_error(get(target), 400, "bad_request");
  }
}

TEST_F(router, refuses_pages_from_elsewhere_over_tcp) {
  for (const auto* host : {"evil.example", "evil.example:8025", "", "127.0.0.1.evil.example", "localhost.evil.example",
                           "localhost:80@evil.example", "10.0.0.1", "[::2]:8025"}) {
    expect_error(ask(request{.target = "/v1/queue", .host = host, .over_tcp = true}), 403, "forbidden_host");
  }
  expect_error(ask(request{.target = "/v1/queue", .host = "localhost", .has_origin = true, .over_tcp = true}), 403,
               "forbidden_origin");
  EXPECT_EQ(server_.calls, 0);
  for (const auto* host : {"localhost", "LOCALHOST:8025", "127.0.0.1:8025", "127.1.2.3", "[::1]", "[::1]:8025"}) {
    EXPECT_EQ(ask(request{.target = "/healthz", .host = host, .over_tcp = true}).status, 200u) << host;
  }
}

TEST_F(router, trusts_whoever_can_open_the_unix_socket) {
  EXPECT_EQ(ask(request{.target = "/v1/queue", .host = "anything", .has_origin = true}).status, 200u);
}

class api_keys : public router {
 protected:
  api_keys() {
    server_.keys = {{"root", {key_verdict::granted, "", false, true}},
                    {"look", {key_verdict::granted, "", true, false}},
                    {"send", {key_verdict::granted, "", false, false}},
                    {"acme", {key_verdict::granted, "acme", true, true}},
                    {"down", {.what = key_verdict::unavailable}}};
  }
  response with(std::string key, std::string target, std::string method = "GET", std::string body = "") {
    return ask(request{.method = std::move(method),
                       .target = std::move(target),
                       .body = std::move(body),
                       .host = "api.example.com",
                       .authorization = "Bearer " + key,
                       .over_tcp = true});
  }
};

TEST_F(api_keys, are_needed_over_tcp_for_all_but_what_watches_a_server) {
  for (const auto* path : {"/healthz", "/readyz", "/metrics"})
    EXPECT_EQ(ask(request{.target = path, .host = "localhost", .over_tcp = true}).status, 200u) << path;
  for (const auto* path : {"/v1/version", "/v1/queue", "/v1/auth/lockouts"}) {
    const auto got = ask(request{.target = path, .host = "localhost", .over_tcp = true});
    expect_error(got, 401, "key_needed");
    EXPECT_EQ(got.authenticate, "Bearer");
  }
  expect_error(
      ask(request{.target = "/v1/queue", .host = "localhost", .authorization = "Basic eDp5", .over_tcp = true}), 401,
      "key_needed");
  expect_error(with("wrong", "/v1/queue"), 401, "invalid_key");
  expect_error(with("down", "/v1/queue"), 503, "unavailable");
  EXPECT_EQ(server_.calls, 0);
  EXPECT_EQ(get("/v1/queue").status, 200u);  // the Unix socket
}

TEST_F(api_keys, open_what_their_scopes_say) {
  const std::string hold = R"({"action":"hold","filter":{"domain":"a.example"}})";
  EXPECT_EQ(with("look", "/v1/queue").status, 200u);
  EXPECT_EQ(with("root", "/v1/queue").status, 200u);
  expect_error(with("send", "/v1/queue"), 403, "forbidden");
  expect_error(with("look", "/v1/queue/actions", "POST", hold), 403, "forbidden");
  EXPECT_EQ(with("root", "/v1/queue/actions", "POST", hold).status, 200u);
}

TEST_F(api_keys, of_an_account_see_its_own_queue_and_nothing_else) {
  EXPECT_EQ(with("acme", "/v1/queue/messages").status, 200u);
  EXPECT_EQ(server_.asked_filter.account, "acme");
  EXPECT_EQ(with("acme", "/v1/queue/messages?account=acme").status, 200u);
  expect_error(with("acme", "/v1/queue/messages?account=other"), 403, "forbidden");
  expect_error(with("acme", "/v1/queue"), 403, "forbidden");
  expect_error(with("acme", "/v1/audit"), 403, "forbidden");
}

TEST_F(router, lists_and_ends_lockouts) {
  server_.lockouts_answer = {{"source", "192.0.2.1", 10, wall_time(milliseconds(1'740'830'400'000))},
                             {"login", "alice", 2, {}}};
  EXPECT_EQ(
      get("/v1/auth/lockouts?max=5").body,
      R"({"lockouts":[{"of":"source","name":"192.0.2.1","failures":10,"locked_until":"2025-03-01T12:00:00.000Z"},)"
      R"({"of":"login","name":"alice","failures":2}]})");
  EXPECT_EQ(server_.asked_max, 5u);
  EXPECT_EQ(ask("DELETE", "/v1/auth/lockouts/192.0.2.1").status, 200u);
  expect_error(ask("DELETE", "/v1/auth/lockouts/192.0.2.1"), 404, "not_found");
}

TEST_F(router, lists_egresses_with_their_state) {
  egress_row a{.name = "a", .source_ipv4 = "192.0.2.1", .helo = "a.example.com", .pools = {"bulk"}};
  egress_row b{.name = "b", .helo = "b.example.com", .proxy = "socks5://u:...@10.0.0.2:1080", .up = false};
  b.reason = "Connection refused";
  b.since = b.until = wall_time(milliseconds(1'740'830'400'000));
  server_.egress_rows = {a, b};
  EXPECT_EQ(
      get("/v1/egresses").body,
      R"({"egresses":[{"name":"a","state":"up","source_ipv4":"192.0.2.1","helo":"a.example.com","pools":["bulk"]},)"
      R"({"name":"b","state":"down","reason":"Connection refused","since":"2025-03-01T12:00:00.000Z",)"
      R"("until":"2025-03-01T12:00:00.000Z","helo":"b.example.com","proxy":"socks5://u:...@10.0.0.2:1080",)"
      R"("pools":[]}],"blocklists":[]})");
}

TEST_F(router, lists_the_block_lists_with_the_egresses_that_are_on_them) {
  egress_row a{.name = "a"};
  const wall_time noon(milliseconds(1'740'830'400'000));
  a.listings.push_back({"192.0.2.1", "l.test", "127.0.0.2: spam", noon});
  a.taken_out = true;
  server_.egress_rows = {a};
  server_.blocklist_rows = {{"l.test", "", noon}, {"dead.test", "lists the world", noon}, {"new.test", "", {}}};
  EXPECT_EQ(get("/v1/egresses").body,
            R"({"egresses":[{"name":"a","state":"up","pools":[],"listings":[{"address":"192.0.2.1","zone":"l.test",)"
            R"("reason":"127.0.0.2: spam","since":"2025-03-01T12:00:00.000Z"}],"taken_out":true}],"blocklists":[)"
            R"({"zone":"l.test","believed":true,"checked":"2025-03-01T12:00:00.000Z"},)"
            R"({"zone":"dead.test","believed":false,"trouble":"lists the world","checked":"2025-03-01T12:00:00.000Z"},)"
            R"({"zone":"new.test","believed":false}]})");
}

TEST_F(router, shows_how_fast_a_site_is_sent_to) {
  scheduler::site_view v;
  v.site = "mx:a.test";
  v.egress = "default";
  v.state = "ready";
  v.streams.push_back({"bulk", 7, 2.5, 0, 3, "cruising", "", 0});
  v.limits.push_back({"10 messages a minute for site mx:a.test (rules: a)", 10, 10, 1'740'830'400'000, true,
                      shaping::limit_level::site, shaping::limit_kind::messages_a_minute});
  server_.site = v;
  EXPECT_EQ(get("/v1/sites/a.test").body,
            R"x({"site":"mx:a.test","egress":"default","state":"ready","waiting":0,"sending":0,"connections":0,)x"
            R"x("connections_max":0,"paced":false,"streams":[{"name":"bulk","waiting":7,"rate":2.5E0,)x"
            R"x("phase":"cruising","connections":3}],"limits":[{"what":)x"
            R"x("10 messages a minute for site mx:a.test (rules: a)","used":10,"max":10,"blocks":true,)x"
            R"x("level":"site","kind":"messages a minute","window_s":60,"until":"2025-03-01T12:00:00.000Z"}]})x");
  EXPECT_EQ(server_.asked_site, "a.test");
  get("/v1/sites/a.test?stream=bulk&account=shop");
  EXPECT_EQ(server_.asked_viewer.stream, "bulk");
  EXPECT_EQ(server_.asked_viewer.account, "shop");
  server_.site = std::unexpected("b.test takes no mail");
  expect_error(get("/v1/sites/b.test"), 404, "no_site");
}

TEST_F(router, pins_and_releases_a_site) {
  EXPECT_EQ(ask("PUT", "/v1/sites/a.test/pace", R"({"rate":"30/m","connections":2,"stream":"bulk"})").status, 200u);
  EXPECT_DOUBLE_EQ(server_.asked_pin.rate, 0.5);
  EXPECT_EQ(server_.asked_pin.connections, 2u);
  EXPECT_EQ(server_.asked_pin.stream, "bulk");
  expect_error(ask("PUT", "/v1/sites/a.test/pace", R"({"rate":"fast"})"), 400, "invalid_body");
  expect_error(ask("PUT", "/v1/sites/a.test/pace", R"({"connections":2})"), 400, "invalid_body");
  expect_error(ask("PUT", "/v1/sites/a.test/pace", R"({"rate":"1/s","connections":0})"), 400, "invalid_body");
  EXPECT_EQ(ask("DELETE", "/v1/sites/a.test/pace?stream=bulk").status, 200u);
  EXPECT_EQ(server_.asked_pin.stream, "bulk");
}

}  // namespace
}  // namespace gonets::httpd
