#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "httpd/fake_control_test_support.h"
#include "httpd/router.h"

namespace gonets::httpd {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const wall_time noon{1'740'830'400'000ms};  // 2025-03-01T12:00:00Z

suppression::entry some_entry() {
  return {account_id{7}, "ann@b.test", "bulk", "complained", message_id{1}, noon, noon + 1h};
}

class suppression_routes : public testing::Test {
 protected:
  suppression_routes() {
    server_.operator_answers.suppressions_answer = suppression_page{{some_entry()}, "bulk ann@b.test"};
    server_.operator_answers.suppression_answer = std::vector<suppression_facts>();
    server_.keys = {{"reader", {key_verdict::granted, "acme", true, false}},
                    {"admin", {key_verdict::granted, "acme", false, true}}};
  }
  response ask(request asked, const std::string& key = "") {
    if (!key.empty()) {
      asked.host = "localhost";
      asked.authorization = "Bearer " + key;
      asked.over_tcp = true;
    }
    response got{.status = 0};
    handle(asked, server_, [&](response r) { got = std::move(r); });
    return got;
  }
  response get(std::string target, const std::string& key = "") { return ask({.target = std::move(target)}, key); }
  response post(std::string target, std::string body, const std::string& key = "") {
    return ask({.method = "POST", .target = std::move(target), .body = std::move(body)}, key);
  }
  const std::vector<suppression::entry>& entries() const { return server_.operator_answers.asked_suppression.entries; }

  fake_control server_;
};

TEST_F(suppression_routes, search_page_by_page) {
  const auto got =
      get("/v1/suppressions?account=shop&reason=complained&stream=bulk&since=7d&search=%40B.test&limit=5"
          "&after=-%20a%40b.test");
  EXPECT_EQ(got.body,
            R"({"suppressions":[{"address":"ann@b.test","stream":"bulk","reason":"complained",)"
            R"("message_id":"000000000001","since":"2025-03-01T12:00:00.000Z","expires":"2025-03-01T13:00:00.000Z"}],)"
            R"("next":"bulk ann@b.test"})");
  const auto& asked = server_.operator_answers.asked_suppressions;
  EXPECT_EQ(asked.account, "shop");
  EXPECT_EQ(asked.which.reason, "complained");
  EXPECT_EQ(asked.which.scope, "bulk");
  EXPECT_EQ(asked.which.text, "@b.test");
  EXPECT_EQ(asked.back, 7 * 24h);
  EXPECT_EQ(asked.after, "- a@b.test");
  EXPECT_EQ(asked.max, 5u);
}

TEST_F(suppression_routes, tell_all_of_one_address) {
  suppression_facts f;
  f.account = "shop";
  f.entries = {some_entry()};
  f.soft = suppression::soft_record{noon + 24h, {{noon, message_id{2}, false}}};
  server_.operator_answers.suppression_answer = std::vector<suppression_facts>{f};
  const auto got = get("/v1/suppressions/Ann%40B%C3%BCcher.test");
  EXPECT_EQ(server_.operator_answers.asked_address, "Ann@B\u00fccher.test");
  EXPECT_EQ(server_.operator_answers.asked_account, "");
  EXPECT_THAT(got.body, HasSubstr(R"("address":"ann@xn--bcher-kva.test")"));
  EXPECT_THAT(got.body, HasSubstr(R"("soft_bounces":{"count":1,"bounces":[{"at":"2025-03-01T12:00:00.000Z",)"
                                  R"("message_id":"000000000002"}],"expires":"2025-03-02T12:00:00.000Z"})"));
  EXPECT_THAT(got.body, HasSubstr(R"("soft_bounces":5)"));
  EXPECT_EQ(get("/v1/suppressions/nobody").status, 400u);
}

TEST_F(suppression_routes, take_entries_that_differ) {
  const auto got = post("/v1/suppressions", R"({"account":"shop","expires_in":60,"entries":[{"address":"a@b.test"},)"
                                            R"({"address":"c@b.test","stream":"bulk","reason":"complained",)"
                                            R"("message_id":"000000000001","since":"2025-03-01T12:00:00.000Z",)"
                                            R"("expires":"2025-03-01T13:00:00Z"}]})");
  EXPECT_EQ(got.body, R"({"added":2})");
  suppression::entry plain;
  plain.address = "a@b.test";
  plain.reason = "manual";
  auto full = some_entry();
  full.account = {};
  full.address = "c@b.test";
  EXPECT_THAT(entries(), ElementsAre(plain, full));
  EXPECT_EQ(server_.operator_answers.asked_suppression.lasts, 60s);
  EXPECT_FALSE(server_.operator_answers.asked_suppression.own);
}

TEST_F(suppression_routes, take_addresses_that_have_all_in_common) {
  EXPECT_EQ(post("/v1/suppressions", R"({"account":"shop","stream":"bulk","addresses":["a@b.test","c@b.test"]})").body,
            R"({"added":2})");
  ASSERT_EQ(entries().size(), 2u);
  EXPECT_EQ(entries()[1].scope, "bulk");
  EXPECT_EQ(entries()[1].reason, "manual");
  EXPECT_EQ(post("/v1/suppressions/remove", R"({"account":"shop","addresses":["a@b.test"]})").body, R"({"removed":1})");
  EXPECT_TRUE(server_.operator_answers.asked_suppression.remove);
}

TEST_F(suppression_routes, take_and_show_mailing_lists) {
  post("/v1/suppressions", R"({"account":"shop","list":"Weekly.Shop.test","addresses":["a@b.test"]})");
  ASSERT_EQ(entries().size(), 1u);
  EXPECT_EQ(entries()[0].scope, suppression::of_list("weekly.shop.test"));
  for (const auto* body : {R"({"account":"shop","list":"weekly","stream":"bulk","addresses":["a@b.test"]})",
                           R"({"account":"shop","list":"<weekly>","addresses":["a@b.test"]})"})
    EXPECT_THAT(post("/v1/suppressions", body).body, HasSubstr("list: ")) << body;
  suppression_facts f;
  f.account = "shop";
  f.entries = {some_entry()};
  f.entries[0].scope = suppression::of_list("weekly.shop.test");
  server_.operator_answers.suppression_answer = std::vector<suppression_facts>{f};
  EXPECT_THAT(get("/v1/suppressions/a@b.test").body, HasSubstr(R"("list":"weekly.shop.test","reason")"));
  get("/v1/suppressions?account=shop&list=Weekly.Shop.test");
  EXPECT_EQ(server_.operator_answers.asked_suppressions.which.scope, suppression::of_list("weekly.shop.test"));
  EXPECT_EQ(get("/v1/suppressions?account=shop&list=weekly&stream=bulk").status, 400u);
}

TEST_F(suppression_routes, say_what_is_wrong_with_an_entry) {
  const auto refusal = [&](const char* body) { return post("/v1/suppressions", body).body; };
  EXPECT_THAT(refusal(R"({"account":"shop","entries":[{"address":"a@b.test"},{"address":"nonsense"}]})"),
              HasSubstr("entries[1]"));
  EXPECT_THAT(refusal(R"({"account":"shop","entries":[{"address":"a@b.test","since":"soon"}]})"),
              HasSubstr("entries[0].since"));
  EXPECT_THAT(refusal(R"({"account":"shop","entries":[{"address":"a@b.test","reasn":"x"}]})"), HasSubstr("reasn"));
  EXPECT_THAT(refusal(R"({"account":"shop","entries":[{"address":"a@b.test"}],"addresses":["a@b.test"]})"),
              HasSubstr("addresses"));
  EXPECT_THAT(refusal(R"({"account":"shop"})"), HasSubstr("addresses"));
  EXPECT_THAT(entries(), IsEmpty());
}

TEST_F(suppression_routes, show_a_key_of_an_account_its_own_list) {
  EXPECT_EQ(get("/v1/suppressions", "reader").status, 200u);
  EXPECT_EQ(server_.operator_answers.asked_suppressions.account, "acme");
  EXPECT_EQ(get("/v1/suppressions?account=shop", "reader").status, 403u);
  EXPECT_EQ(get("/v1/suppressions/a%40b.test", "reader").status, 200u);
  EXPECT_EQ(server_.operator_answers.asked_account, "acme");
  EXPECT_EQ(get("/v1/suppressions/a%40b.test?account=shop", "reader").status, 403u);
  EXPECT_EQ(post("/v1/suppressions", R"({"addresses":["a@b.test"]})", "reader").status, 403u);
}

TEST_F(suppression_routes, let_an_administrator_of_an_account_change_its_own_list) {
  server_.operator_answers.kept_suppressions = {"c@b.test"};
  EXPECT_EQ(post("/v1/suppressions/remove", R"({"addresses":["a@b.test"]})", "admin").body,
            R"({"removed":1,"kept":["c@b.test"]})");
  EXPECT_EQ(server_.operator_answers.asked_suppression.account, "acme");
  EXPECT_TRUE(server_.operator_answers.asked_suppression.own);
  EXPECT_EQ(post("/v1/suppressions", R"({"account":"shop","addresses":["a@b.test"]})", "admin").status, 403u);
}

}  // namespace
}  // namespace gonets::httpd
