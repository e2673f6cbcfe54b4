#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "httpd/fake_control_test_support.h"
#include "httpd/router.h"

namespace gonets::httpd {
namespace {
using namespace std::chrono_literals;
using testing::HasSubstr;

class operator_routes : public ::testing::Test {
 protected:
  response call(const std::string& method, const std::string& target, std::string body = "") {
    request asked;
    asked.method = method;
    asked.target = target;
    asked.body = std::move(body);
    std::optional<response> got;
    handle(asked, server_, [&](response r) { got = std::move(r); });
    return got.value();
  }
  static constexpr wall_time noon{1'740'830'400'000ms};
  fake_control server_;
  fake_operator_control& operator_ = server_.operator_answers;
};

TEST_F(operator_routes, tell_the_history_of_a_pace) {
  pace_history_answer a{.site = "mx:a.test", .changes_in_all = 5, .log = {noon, 17, true}};
  events::event e;
  e.kind = events::kind::pace;
  e.at = noon;
  e.stream = "bulk";
  e.reason = "throttled: 2 -> 1";
  e.origin = "a-rate";
  a.changes.push_back(e);
  operator_.history = a;
  EXPECT_EQ(call("GET", "/v1/sites/a.test/pace/history?since=2h&max=1").body,
            R"({"site":"mx:a.test","changes":[{"at":"2025-03-01T12:00:00.000Z","change":"throttled: 2 -> 1",)"
            R"("stream":"bulk","rule":"a-rate"}],"changes_in_all":5,"log_from":"2025-03-01T12:00:00.000Z",)"
            R"("log_events":17,"log_cut":true})");
  EXPECT_EQ(operator_.asked_place, "a.test");
  EXPECT_EQ(operator_.asked_back, 2h);
  EXPECT_EQ(operator_.asked_max, 1u);
  call("GET", "/v1/sites/mx%3Aa.test%2Cb.test/pace/history");
  EXPECT_EQ(operator_.asked_place, "mx:a.test,b.test");
  EXPECT_EQ(operator_.asked_back, 24h);
}

TEST_F(operator_routes, refuse_a_time_that_is_none_and_say_why_there_is_no_site) {
  EXPECT_EQ(call("GET", "/v1/sites/a.test/pace/history?since=yesterday").status, 400u);
  operator_.history = std::unexpected("it takes no mail");
  const auto none = call("GET", "/v1/sites/a.test/pace/history");
  EXPECT_EQ(none.status, 404u);
  EXPECT_THAT(none.body, HasSubstr("it takes no mail"));
}

TEST_F(operator_routes, tell_what_other_rules_would_have_made_of_replies) {
  rule_test_answer a{.replies = 9, .different = 3, .same_by_another_rule = 1, .log = {noon, 20, false}};
  events::event e;
  e.at = noon;
  e.recipients.push_back({recipient_index{0}, "b@c.test"});
  e.route = "mx:c.test";
  e.at_stage = stage::rcpt;
  e.answer = {550, {5, 7, 1}, "no"};
  a.groups.push_back({{"", "fail", ""}, {"later", "defer for 1h", "address"}, 3, e});
  operator_.test = a;
  EXPECT_EQ(call("POST", "/v1/rules/test", R"({"rules":"text","name":"new.toml","since":"1d"})").body,
            R"({"replies":9,"different":3,"same_by_another_rule":1,"left_out":0,"groups":[{"recipients":3,"now":)"
            R"({"verdict":"fail"},"then":{"verdict":"defer for 1h","rule":"later","about":"address"},"example":)"
            R"({"at":"2025-03-01T12:00:00.000Z","message_id":"000000000000","recipient":"b@c.test","site":"mx:c.test",)"
            R"("stage":"rcpt","reply":{"code":550,"text":"no","status":"5.7.1"}}}],)"
            R"("log_from":"2025-03-01T12:00:00.000Z","log_events":20,"log_cut":false})");
  EXPECT_EQ(operator_.asked_rules, "text");
  EXPECT_EQ(operator_.asked_back, 24h);
}

TEST_F(operator_routes, add_list_and_release_holds) {
  hold_row row;
  row.hold.id = scheduler::hold_id{3};
  row.hold.stream = "bulk";
  row.hold.domain = "a.test";
  row.hold.reason = "moved";
  row.hold.since = noon;
  row.account = "shop";
  row.recipients = 7;
  operator_.hold_answer = row;
  operator_.holds_answer = {row};
  const std::string shown =
      R"({"id":3,"account":"shop","stream":"bulk","domain":"a.test","reason":"moved","since":"2025-03-01T12:00:00.000Z",)"
      R"("recipients":7})";
  const auto added = call("POST", "/v1/holds", R"({"account":"shop","stream":"bulk","reason":"moved"})");
  EXPECT_EQ(added.status, 201u);
  EXPECT_EQ(added.body, shown);
  EXPECT_EQ(operator_.asked_hold.account, "shop");
  EXPECT_EQ(operator_.asked_hold.reason, "moved");
  EXPECT_EQ(call("GET", "/v1/holds").body, R"({"holds":[)" + shown + "]}");
  EXPECT_EQ(call("DELETE", "/v1/holds/3").body, shown);
  EXPECT_EQ(operator_.asked_release, scheduler::hold_id{3});
}

TEST_F(operator_routes, refuse_holds_that_cannot_be_read) {
  EXPECT_EQ(call("POST", "/v1/holds", R"({"steam":"bulk"})").status, 400u);
  EXPECT_EQ(call("POST", "/v1/holds", R"({"stream":"bulk","reason":"a\nb"})").status, 400u);
  EXPECT_EQ(call("DELETE", "/v1/holds/x").status, 400u);
  operator_.hold_answer = std::unexpected(error_response(404, "not_found", "there is no hold 9"));
  EXPECT_EQ(call("DELETE", "/v1/holds/9").status, 404u);
}

TEST_F(operator_routes, refuse_rules_that_are_wrong_with_what_is_wrong) {
  operator_.test = std::unexpected(std::vector<std::string>{"new.toml:2:1: rule[1].name: found 1", "another"});
  const auto got = call("POST", "/v1/rules/test", R"({"rules":"x"})");
  EXPECT_EQ(got.status, 400u);
  EXPECT_THAT(got.body, HasSubstr("new.toml:2:1"));
  EXPECT_THAT(got.body, HasSubstr("and 1 more"));
  EXPECT_EQ(call("POST", "/v1/rules/test", "{}").status, 400u);
}

}  // namespace
}  // namespace gonets::httpd
