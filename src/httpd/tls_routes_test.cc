#include <gtest/gtest.h>

#include "httpd/fake_control_test_support.h"
#include "httpd/router.h"

namespace gonets::httpd {
namespace {

using namespace std::chrono_literals;

class tls_routes : public ::testing::Test {
 protected:
  response call(const std::string& method, const std::string& target) {
    request asked;
    asked.method = method;
    asked.target = target;
    std::optional<response> got;
    handle(asked, server_, [&](response r) { got = std::move(r); });
    return got.value();
  }
  fake_control server_;
  fake_tls_control& tls_ = server_.tls_answers;
};

TEST_F(tls_routes, tell_the_policy_of_a_destination) {
  auto& a = tls_.policy_answer;
  a.domain = "a.test";
  a.route = "mx";
  a.level = "opportunistic";
  a.sts.state = "in_force";
  a.sts.mode = "enforce";
  a.sts.id = "1";
  a.sts.mx = {"mx.a.test"};
  a.sts.max_age = 1h;
  a.sts.fetched = wall_time(1'740'830'400'000ms);
  a.hosts.push_back({"mx.a.test", "usable", {"3 1 1 00"}, true, "dane"});
  EXPECT_EQ(
      call("GET", "/v1/tls-policies/A.test?refresh=1").body,
      R"({"domain":"a.test","route":"mx","level":"opportunistic","mx_secure":false,"mta_sts":{"state":"in_force",)"
      R"("mode":"enforce","id":"1","mx":["mx.a.test"],"max_age_seconds":3600,"fetched":"2025-03-01T12:00:00.000Z"},)"
      R"("hosts":[{"name":"mx.a.test","policy":"dane","tlsa":"usable","sts_allows":true,"tlsa_records":["3 1 1 00"]}]})");
  EXPECT_EQ(tls_.asked_domain, "a.test");
  EXPECT_TRUE(tls_.asked_refresh);
}

TEST_F(tls_routes, say_nothing_of_policies_where_mail_goes_by_a_route) {
  tls_.policy_answer.domain = "a.test";
  tls_.policy_answer.route = "capture";
  EXPECT_EQ(call("GET", "/v1/tls-policies/a.test").body, R"({"domain":"a.test","route":"capture"})");
}

TEST_F(tls_routes, list_what_was_collected) {
  tls_report_row row;
  row.domain = "a.test";
  row.day = 2026y / 11 / 25;
  row.state = "pending";
  row.due = wall_time(1'740'830'400'000ms);
  row.successes = 2;
  row.failures = 1;
  tls_.reports_answer = std::vector{row};
  EXPECT_EQ(call("GET", "/v1/tls-reports?day=2026-11-25").body,
            R"({"reports":[{"domain":"a.test","day":"2026-11-25","state":"pending","successful_sessions":2,)"
            R"("failed_sessions":1,"due":"2025-03-01T12:00:00.000Z"}]})");
  EXPECT_EQ(tls_.asked_day, std::chrono::sys_days(2026y / 11 / 25));
}

TEST_F(tls_routes, show_a_report_as_json_in_json) {
  tls_.report_answer = tls_report_answer{{}, R"({"report-id":"x"})"};
  EXPECT_EQ(call("GET", "/v1/tls-reports/a.test?day=2026-11-25").body, R"({"reports":[],"report":{"report-id":"x"}})");
  tls_.report_answer = tls_report_answer{};
  EXPECT_EQ(call("GET", "/v1/tls-reports/a.test?day=2026-11-25").status, 404u);
}

TEST_F(tls_routes, send_the_reports_of_a_day) {
  tls_.send_answer = 3;
  EXPECT_EQ(call("POST", "/v1/tls-reports/send?day=2026-11-25&domain=a.test").body, R"({"sending":3})");
  EXPECT_EQ(tls_.asked_domain, "a.test");
  tls_.send_answer = std::nullopt;
  EXPECT_EQ(call("POST", "/v1/tls-reports/send?day=2026-11-25").status, 409u);
  tls_.send_answer = std::unexpected("the database is locked");
  EXPECT_EQ(call("POST", "/v1/tls-reports/send?day=2026-11-25").status, 503u);
}

TEST_F(tls_routes, refuse_what_is_no_day_or_no_domain) {
  for (const auto* target : {"/v1/tls-reports?day=2026-13-01", "/v1/tls-reports?day=2026-02-30",
                             "/v1/tls-reports?day=today", "/v1/tls-reports?day=2026-1-1x", "/v1/tls-reports/a.test",
                             "/v1/tls-policies/a%2Fb", "/v1/tls-policies/a.test?refresh=yes"}) {
    EXPECT_EQ(call("GET", target).status, 400u) << target;
  }
  EXPECT_EQ(call("POST", "/v1/tls-reports/send").status, 400u);
}

}  // namespace
}  // namespace gonets::httpd
