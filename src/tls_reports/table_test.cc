// The collector's counts on their way into the database, and out of it.
#include "tls_reports/table.h"

#include <gtest/gtest.h>

#include "storage/sql_test_support.h"

namespace gonets::tls_reports {
namespace {

using namespace std::chrono_literals;
using tls_policy::reported_policy;
using tls_policy::tls_result;

struct stopped_clock final : clock {
  wall_time now{std::chrono::sys_days(2026y / 11 / 25) + 12h};
  wall_time wall() const override { return now; }
  steady_time steady() const override { return {}; }
};

class tls_report_table : public ::testing::Test {
 protected:
  void observe(std::string_view domain, tls_result result, std::string_view detail = "", std::string_view host = "mx") {
    delivery::tls_session_report r;
    r.recipient_domain = domain;
    r.policy = reported_policy::sts;
    r.policy_lines = lines_;
    r.mx_patterns = patterns_;
    r.mx_host = host;
    r.remote_address = "192.0.2.1";
    r.local_address = "192.0.2.9";
    r.result = result;
    r.detail = detail;
    counted_.observe(r);
  }
  void keep() { ASSERT_TRUE(table_.add(counted_.take())); }

  const std::vector<std::string> lines_{"version: STSv1", "mode: enforce"}, patterns_{"mx"};
  const std::chrono::sys_days day_ = 2026y / 11 / 25;
  stopped_clock time_;
  metrics::registry counts_;
  collector counted_{{.failures_max = 2}, time_, counts_};
  storage::temporary_database file_{storage::engine::sqlite};
  storage::sql_database database_{{.url = file_.url(), .schema = storage::tls_schema_steps()}};
  table table_{database_};
};

TEST_F(tls_report_table, adds_up_the_sessions_of_a_day) {
  observe("a.test", tls_result::success);
  observe("a.test", tls_result::success);
  keep();
  observe("a.test", tls_result::success);
  observe("a.test", tls_result::certificate_expired, "certificate has expired");
  keep();
  const auto results = table_.results(day_, "a.test");
  ASSERT_TRUE(results) << results.error().detail;
  ASSERT_EQ(results->size(), 1u);
  const auto& policy = results->front();
  EXPECT_EQ(policy.kind, reported_policy::sts);
  EXPECT_EQ(policy.lines, lines_);
  EXPECT_EQ(policy.mx_hosts, patterns_);
  EXPECT_EQ(policy.successes, 3u);
  ASSERT_EQ(policy.failures.size(), 1u);
  EXPECT_EQ(policy.failures[0].what, tls_result::certificate_expired);
  EXPECT_EQ(policy.failures[0].receiving_host, "mx");
  EXPECT_EQ(policy.failures[0].sending_ip, "192.0.2.9");
  EXPECT_EQ(policy.failures[0].reason, "certificate has expired");
  EXPECT_EQ(policy.failures[0].sessions, 1u);
}

TEST_F(tls_report_table, tells_a_bounded_number_of_failures_apart) {
  for (const auto* host : {"mx1", "mx2", "mx3", "mx4"})
    observe("a.test", tls_result::certificate_expired, "why", host);
  keep();
  const auto results = table_.results(day_, "a.test");
  ASSERT_TRUE(results);
  ASSERT_EQ(results->front().failures.size(), 3u);
  EXPECT_EQ(results->front().failures[0].receiving_host, "");
  EXPECT_EQ(results->front().failures[0].sessions, 2u);
}

TEST_F(tls_report_table, makes_what_peers_say_fit_to_be_kept) {
  observe("a.test", tls_result::validation_failure, std::string("a\r\n\0b\xff", 6), std::string(300, 'x'));
  keep();
  const auto results = table_.results(day_, "a.test");
  ASSERT_TRUE(results);
  const auto& failure = results->front().failures.front();
  EXPECT_EQ(failure.reason, "a???b?");
  EXPECT_EQ(failure.receiving_host.size(), 253u);
}

TEST_F(tls_report_table, gives_back_what_could_not_be_kept) {
  observe("a.test", tls_result::success);
  auto first = counted_.take();
  observe("a.test", tls_result::success);
  counted_.give_back(std::move(first));
  keep();
  EXPECT_EQ(table_.results(day_, "a.test")->front().successes, 2u);
}

TEST_F(tls_report_table, makes_a_report_due_some_time_after_midnight_utc) {
  observe("a.test", tls_result::success);
  observe("b.test", tls_result::success);
  keep();
  const auto midnight = wall_time(day_ + 24h);
  EXPECT_TRUE(table_.due(midnight + spread_min - 1s, 10)->empty());
  const auto jobs = table_.due(midnight + spread_max, 10);
  ASSERT_EQ(jobs->size(), 2u);
  EXPECT_NE(jobs->at(0).due, jobs->at(1).due) << "not all at once";
}

TEST_F(tls_report_table, does_not_tell_a_report_twice_that_has_ended) {
  observe("a.test", tls_result::success);
  keep();
  EXPECT_EQ(*table_.hurry(day_, "other.test", time_.now), 0u);
  EXPECT_EQ(*table_.hurry(day_, "", time_.now), 1u);
  auto job = table_.due(time_.now, 10)->at(0);
  job.state = report_state::sent;
  job.sent = {"mailto:a@b.test"};
  ASSERT_TRUE(table_.update(job));
  EXPECT_TRUE(table_.due(time_.now + 48h, 10)->empty());
  EXPECT_EQ(*table_.hurry(day_, "a.test", time_.now), 0u);
  observe("a.test", tls_result::success);
  keep();
  EXPECT_TRUE(table_.due(time_.now + 48h, 10)->empty()) << "late counts don't send it again";
}

TEST_F(tls_report_table, lists_and_forgets) {
  observe("a.test", tls_result::success);
  observe("a.test", tls_result::starttls_not_supported);
  observe("b.test", tls_result::success);
  keep();
  const auto all = table_.list(std::nullopt, "", 10);
  ASSERT_TRUE(all) << all.error().detail;
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at(0).job.domain, "a.test");
  EXPECT_EQ(all->at(0).successes, 1u);
  EXPECT_EQ(all->at(0).failures, 1u);
  EXPECT_EQ(table_.list(day_, "b.test", 10)->size(), 1u);
  EXPECT_TRUE(table_.list(day_ - std::chrono::days(1), "", 10)->empty());
  ASSERT_TRUE(table_.trim(time_.now + results_kept));
  EXPECT_EQ(table_.list(std::nullopt, "", 10)->size(), 2u);
  ASSERT_TRUE(table_.trim(time_.now + results_kept + 24h));
  EXPECT_TRUE(table_.list(std::nullopt, "", 10)->empty());
  EXPECT_TRUE(table_.results(day_, "a.test")->empty());
}

}  // namespace
}  // namespace gonets::tls_reports
