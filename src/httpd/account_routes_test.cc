// The routes of accounts, over a registry with a SQLite of the test's own.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "httpd/fake_control_test_support.h"
#include "httpd/router.h"
#include "storage/sql_test_support.h"

namespace gonets::httpd {
namespace {
namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

struct fixed_clock final : clock {
  wall_time wall() const override { return wall_time(std::chrono::milliseconds(1'767'225'600'000)); }
  steady_time steady() const override { return steady_time(std::chrono::hours(1)); }
};

std::string text(const json::object& o, std::string_view name) {
  return std::string(o.at(name).as_string());
}

class account_api : public testing::Test {
 protected:
  account_api() {
    server_.registry = std::make_shared<accounts::registry>(accounts::registry_options{where_.url(), ""}, time_);
    const auto opened = server_.registry->open();
    EXPECT_TRUE(opened.has_value()) << opened.error();
  }
  response ask(std::string method, std::string target, std::string body = "") {
    response got;
    handle({.method = std::move(method), .target = std::move(target), .body = std::move(body)}, server_,
           [&](response r) { got = std::move(r); });
    return got;
  }
  json::object made(std::string method, std::string target, std::string body, unsigned status) {
    const auto got = ask(std::move(method), std::move(target), std::move(body));
    EXPECT_EQ(got.status, status) << got.body;
    return json::parse(got.body).as_object();
  }
  std::string refused(unsigned status, std::string method, std::string target, std::string body = "") {
    const auto got = ask(std::move(method), std::move(target), std::move(body));
    EXPECT_EQ(got.status, status) << got.body;
    return got.body;
  }

  storage::temporary_database where_{storage::engine::sqlite};
  fixed_clock time_;
  fake_control server_;
};

TEST_F(account_api, makes_changes_and_shows_an_account) {
  made("POST", "/v1/accounts",
       R"({"name":"shop","plan":"free","quotas":[{"max":60,"measure":"messages","window":"minute"}]})", 201);
  const auto changed = made("PATCH", "/v1/accounts/shop", R"({"state":"paused","policy":"warn"})", 200);
  EXPECT_EQ(text(changed, "state"), "paused");
  EXPECT_EQ(text(changed, "plan"), "free") << "what is not given stays";
  const auto shown = made("GET", "/v1/accounts/shop", "", 200);
  EXPECT_EQ(text(shown, "policy"), "warn");
  EXPECT_EQ(json::serialize(shown.at("limits")),
            R"([{"max":60,"measure":"messages","window":"minute","used":7,"resets":"1970-01-01T01:00:00.000Z"},)"
            R"({"max":1500,"measure":"recipients","window":"month","used":7,"resets":"1970-01-01T01:00:00.000Z"}])");
  const auto listed = made("GET", "/v1/accounts", "", 200);
  EXPECT_EQ(listed.at("accounts").as_array().size(), 2u);
  made("PATCH", "/v1/accounts/shop", R"({"plan":""})", 200);
  EXPECT_FALSE(made("GET", "/v1/accounts/shop", "", 200).contains("plan"));
}

TEST_F(account_api, shows_and_changes_what_suppresses) {
  made("POST", "/v1/accounts", R"({"name":"shop","suppression":{"soft_bounces":3}})", 201);
  made("PATCH", "/v1/accounts/shop",
       R"({"may_ignore_suppression":true,"suppression":{"categories":["moved","mailbox_full"],"soft_for_days":60}})",
       200);
  const auto shown = made("GET", "/v1/accounts/shop", "", 200);
  EXPECT_TRUE(shown.at("may_ignore_suppression").as_bool());
  EXPECT_EQ(json::serialize(shown.at("suppression")),
            R"({"categories":["mailbox_full","moved"],"soft_bounces":3,"soft_over_days":7,"soft_within_days":30,)"
            R"("soft_for_days":60})");
  const auto refusal = [&](const char* body) { return refused(400, "PATCH", "/v1/accounts/shop", body); };
  EXPECT_THAT(refusal(R"({"suppression":{"categories":["nonsense"]}})"), HasSubstr("nonsense"));
  EXPECT_THAT(refusal(R"({"suppression":{"soft_bounces":21}})"), HasSubstr("suppression.soft_bounces"));
  EXPECT_THAT(refusal(R"({"suppression":{"soft":1}})"), HasSubstr("soft"));
  EXPECT_THAT(refusal(R"({"suppression":{"categories":["reputation"]}})"), HasSubstr("reputation"));
}

TEST_F(account_api, says_the_secret_of_a_credential_once) {
  made("POST", "/v1/accounts", R"({"name":"shop"})", 201);
  const auto issued =
      made("POST", "/v1/accounts/shop/credentials",
           R"({"name":"web","scopes":["send","read"],"networks":["192.0.2.0/24"],"stream":"bulk"})", 201);
  const auto secret = text(issued, "secret");
  EXPECT_EQ(secret.size(), accounts::secret_characters);
  EXPECT_EQ(json::serialize(issued.at("servers")), R"([{"host":"mail.example.com","port":587,"tls":"starttls"}])");
  for (const auto* path : {"/v1/accounts", "/v1/accounts/shop", "/v1/accounts/shop/credentials"}) {
    const auto body = ask("GET", path).body;
    EXPECT_THAT(body, Not(HasSubstr(secret)));
    EXPECT_THAT(body, Not(HasSubstr("argon2")));
    EXPECT_THAT(body, Not(HasSubstr("secret")));
  }
  const auto id = issued.at("id").as_int64();
  made("DELETE", "/v1/accounts/shop/credentials/" + std::to_string(id), "", 200);
  EXPECT_EQ(ask("GET", "/v1/accounts/shop/credentials").body, R"({"credentials":[]})");
}

TEST_F(account_api, gives_an_api_key_as_it_goes_into_the_header) {
  made("POST", "/v1/accounts", R"({"name":"shop"})", 201);
  const auto issued = made("POST", "/v1/accounts/shop/credentials", R"({"kind":"api_key","scopes":["admin"]})", 201);
  EXPECT_EQ(text(issued, "api_key"), text(issued, "login") + "." + text(issued, "secret"));
  EXPECT_FALSE(issued.contains("servers"));
}

TEST_F(account_api, makes_shows_and_removes_a_plan) {
  made("PUT", "/v1/plans/pro", R"({"quotas":[{"max":50000,"window":"month"}]})", 200);
  made("POST", "/v1/accounts", R"({"name":"shop","plan":"pro"})", 201);
  EXPECT_EQ(json::serialize(made("GET", "/v1/plans/pro", "", 200).at("accounts")), R"(["shop"])");
  EXPECT_THAT(refused(409, "DELETE", "/v1/plans/pro"), HasSubstr("conflict"));
  made("PATCH", "/v1/accounts/shop", R"({"plan":"free"})", 200);
  made("DELETE", "/v1/plans/pro", "", 200);
  EXPECT_THAT(ask("GET", "/v1/plans").body, HasSubstr(R"("name":"free")"));
  EXPECT_THAT(refused(404, "GET", "/v1/plans/pro"), HasSubstr("not_found"));
}

TEST_F(account_api, refuses_what_it_does_not_understand_by_name) {
  made("POST", "/v1/accounts", R"({"name":"shop"})", 201);
  EXPECT_THAT(refused(409, "POST", "/v1/accounts", R"({"name":"shop"})"), HasSubstr("exists"));
  EXPECT_THAT(refused(400, "POST", "/v1/accounts", R"({"name":"No Name"})"), HasSubstr("invalid_value"));
  EXPECT_THAT(refused(400, "PATCH", "/v1/accounts/shop", R"({"polcy":"warn"})"),
              HasSubstr("did you mean \\\"policy\\\""));
  EXPECT_THAT(refused(400, "PATCH", "/v1/accounts/shop", R"({"policy":"loose"})"), HasSubstr("enforce, warn or off"));
  EXPECT_THAT(refused(400, "PATCH", "/v1/accounts/shop", R"({"quotas":[{"max":-1,"window":"day"}]})"),
              HasSubstr("quotas[0].max"));
  EXPECT_THAT(refused(400, "PATCH", "/v1/accounts/shop", R"({"quotas":[{"max":1}]})"), HasSubstr("quotas[0].window"));
  EXPECT_THAT(refused(400, "PATCH", "/v1/accounts/shop", "not json"), HasSubstr("invalid_body"));
  EXPECT_THAT(refused(404, "PATCH", "/v1/accounts/nobody", "{}"), HasSubstr("nobody"));
  EXPECT_THAT(refused(404, "GET", "/v1/accounts/nobody"), HasSubstr("gonets account list"));
  EXPECT_THAT(refused(400, "POST", "/v1/accounts/shop/credentials", R"({"networks":["192.0.2.1/24"]})"),
              HasSubstr("192.0.2.1/24"));
  EXPECT_THAT(refused(400, "POST", "/v1/accounts/shop/credentials", R"({"scopes":["write"]})"), HasSubstr("scopes"));
  EXPECT_THAT(refused(400, "DELETE", "/v1/accounts/shop/credentials/x"), HasSubstr("invalid_id"));
  EXPECT_THAT(refused(404, "DELETE", "/v1/accounts/shop/credentials/99"), HasSubstr("no credential 99"));
  EXPECT_THAT(refused(400, "PUT", "/v1/plans/pro", "{}"), HasSubstr("quotas"));
}

TEST_F(account_api, answers_503_when_too_much_waits_for_the_database) {
  server_.registry = nullptr;
  EXPECT_THAT(refused(503, "GET", "/v1/accounts"), HasSubstr("busy"));
}

}  // namespace
}  // namespace gonets::httpd
