#include "feedback/report_table.h"

#include <gmock/gmock.h>

#include "storage/sql_test_support.h"

namespace gonets::feedback {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class report_tables : public ::testing::Test {
 protected:
  static aggregate::dmarc_report dmarc(std::string id, std::vector<aggregate::dmarc_row> rows,
                                       std::string domain = "shop.test") {
    return {{"provider.test", std::move(id), now - 24h, now}, std::move(domain), std::move(rows)};
  }
  bool keep(const aggregate::dmarc_report& r, wall_time at = now) {
    const auto kept = table_.keep(r, at);
    EXPECT_TRUE(kept) << kept.error().detail;
    return kept.value_or(false);
  }
  report_summary summary(std::string domain = "", wall_time since = {}) {
    auto found = table_.summary({std::move(domain), since, 100});
    EXPECT_TRUE(found) << found.error().detail;
    return found.value_or(report_summary{});
  }
  std::vector<std::string> sources(const report_summary& of) {
    std::vector<std::string> all;
    for (const auto& s : of.sources)
      all.push_back(s.domain + " " + s.source + " " + std::to_string(s.messages) + " " + s.dkim + " " + s.spf);
    return all;
  }

  static constexpr wall_time now{std::chrono::sys_days(2026y / 11 / 27)};
  const aggregate::dmarc_row good_{"192.0.2.1", "none", "pass", "fail", "shop.test", 7};
  const aggregate::dmarc_row bad_{"192.0.2.66", "reject", "fail", "fail", "shop.test", 2};
  storage::temporary_database file_{storage::engine::sqlite};
  storage::sql_database database_{{.url = file_.url(), .schema = storage::reports_schema_steps()}};
  report_table table_{database_, {.rows_max = 40}};
};

TEST_F(report_tables, add_up_what_reporters_say) {
  auto other_sender = good_;
  other_sender.header_from = "news.shop.test";
  EXPECT_TRUE(keep(dmarc("1", {good_, good_, other_sender, bad_})));
  EXPECT_TRUE(keep(dmarc("2", {good_})));
  const auto found = summary();
  EXPECT_THAT(sources(found), ElementsAre("shop.test 192.0.2.1 28 pass fail", "shop.test 192.0.2.66 2 fail fail"));
  ASSERT_EQ(found.domains.size(), 1u);
  EXPECT_EQ(found.domains[0].reports, 2u);
  EXPECT_EQ(found.domains[0].messages, 30u);
  EXPECT_EQ(found.domains[0].aligned, 28u);
  EXPECT_TRUE(summary("other.test").sources.empty());
  EXPECT_EQ(summary("shop.test", now).sources.size(), 2u);
  EXPECT_TRUE(summary("shop.test", now + 1ms).sources.empty());
}

TEST_F(report_tables, take_a_report_once) {
  EXPECT_TRUE(keep(dmarc("1", {good_})));
  EXPECT_FALSE(keep(dmarc("1", {good_})));
  EXPECT_FALSE(keep(dmarc("1", {bad_})));
  EXPECT_TRUE(keep(dmarc("1", {good_}, "other.test")));
  EXPECT_THAT(sources(summary()), ElementsAre("other.test 192.0.2.1 7 pass fail", "shop.test 192.0.2.1 7 pass fail"));
}

TEST_F(report_tables, show_failed_sessions_first_and_each_domain_its_own) {
  const aggregate::tls_report r{{"provider.test", "1", now - 24h, now},
                                {{"shop.test", "sts", "success", "", "", "", "", 40},
                                 {"shop.test", "sts", "certificate-expired", "mx.shop.test", "192.0.2.9", "", "", 3},
                                 {"shop.test", "sts", "certificate-expired", "mx.shop.test", "192.0.2.8", "", "", 1},
                                 {"other.test", "tlsa", "success", "", "", "", "", 1}}};
  EXPECT_TRUE(table_.keep(r, "shop.test", now).value_or(false));
  EXPECT_FALSE(table_.keep(r, "shop.test", now).value_or(true));
  const auto found = summary();
  ASSERT_EQ(found.sessions.size(), 2u);
  EXPECT_EQ(found.sessions[0].result, "certificate-expired");
  EXPECT_EQ(found.sessions[0].sessions, 4u);
  EXPECT_EQ(found.sessions[0].mx_host, "mx.shop.test");
  EXPECT_EQ(found.sessions[1].sessions, 40u);
}

TEST_F(report_tables, forget_what_is_old_and_the_oldest_when_there_is_too_much) {
  EXPECT_TRUE(keep(dmarc("1", {good_}), now - 91 * 24h));
  EXPECT_TRUE(keep(dmarc("2", {bad_}), now));
  EXPECT_EQ(table_.trim(now).value_or(0), 1u);
  EXPECT_THAT(sources(summary()), ElementsAre("shop.test 192.0.2.66 2 fail fail"));
  for (int i = 3; i < 6; ++i)
    EXPECT_TRUE(keep(dmarc(std::to_string(i), {good_}), now + std::chrono::seconds(i)));
  EXPECT_THAT(sources(summary()), ElementsAre("shop.test 192.0.2.1 21 pass fail"));
  EXPECT_FALSE(keep(dmarc("5", {good_}), now + 9s));
  EXPECT_THAT(sources(summary()), ElementsAre("shop.test 192.0.2.1 21 pass fail")) << "one that is known needs no room";
}

}  // namespace
}  // namespace gonets::feedback
