#include <gmock/gmock.h>

#include "httpd/fake_control_test_support.h"
#include "httpd/router.h"

namespace gonets::httpd {
namespace {

using domains::domain_view;
using domains::on_result;
using domains::which_domain;
using testing::HasSubstr;
using testing::Not;

// Remembers what it was asked, and answers with one domain, or with a refusal.
class fake_manager final : public domains::manager {
 public:
  std::optional<domains::refusal> refusal;
  std::string asked;

  void list(std::string account, on_result<std::vector<domain_view>> done) override {
    asked = "list " + account;
    if (refusal) return done(std::unexpected(*refusal));
    done(std::vector{view()});
  }
  void show(which_domain which, on_result<domain_view> done) override { answer("show", which, std::move(done)); }
  void add(domains::addition wanted, on_result<domain_view> done) override {
    answer("add " + wanted.return_path.value_or("default"), wanted.which, std::move(done));
  }
  void check(which_domain which, on_result<domain_view> done) override { answer("check", which, std::move(done)); }
  void verify(which_domain which, bool force, on_result<domain_view> done) override {
    answer(force ? "force" : "verify", which, std::move(done));
  }
  void rotate(which_domain which, bool now, on_result<domain_view> done) override {
    answer(now ? "now" : "rotate", which, std::move(done));
  }
  void import_key(which_domain which, domains::key_import key, on_result<domain_view> done) override {
    answer("import " + key.selector, which, std::move(done));
  }
  void remove(which_domain which, on_result<std::monostate> done) override {
    asked = "remove " + which.name;
    if (refusal) return done(std::unexpected(*refusal));
    done(std::monostate());
  }

 private:
  static domain_view view() {
    domain_view v;
    v.account = "shop";
    v.domain.name = "shop.test";
    v.domain.last_check = R"({"good":true})";
    v.domain.keys.push_back(
        {"s1",
         accounts::key_state::active,
         {},
         {},
         std::make_shared<const dkim::private_key>(*dkim::private_key::generate(dkim::algorithm::ed25519_sha256))});
    v.records.push_back({"spf", "shop.test", "TXT", "v=spf1 ~all"});
    return v;
  }
  void answer(const std::string& what, const which_domain& which, on_result<domain_view> done) {
    asked = what + " " + which.account + "/" + which.name;
    if (refusal) return done(std::unexpected(*refusal));
    done(view());
  }
};

class domain_routes : public testing::Test {
 protected:
  domain_routes() { control.manager = &manager; }
  response ask(const std::string& method, const std::string& target, const std::string& body = "") {
    request r;
    r.method = method;
    r.target = target;
    r.body = body;
    response got;
    handle(r, control, [&](response said) { got = std::move(said); });
    return got;
  }

  fake_manager manager;
  fake_control control;
};

TEST_F(domain_routes, ask_for_what_they_say) {
  const auto asked = [&](const std::string& method, const std::string& target, const std::string& body = "") {
    const auto got = ask(method, target, body);
    return got.status == 200 ? manager.asked : got.body;
  };
  EXPECT_EQ(asked("GET", "/v1/domains"), "list ");
  EXPECT_EQ(asked("GET", "/v1/domains?account=shop"), "list shop");
  EXPECT_EQ(asked("POST", "/v1/domains", R"({"domain":"a.test","account":"shop"})"), "add default shop/a.test");
  EXPECT_EQ(asked("POST", "/v1/domains", R"({"domain":"a.test","return_path":""})"), "add  /a.test");
  EXPECT_EQ(asked("GET", "/v1/domains/a.test?account=shop"), "show shop/a.test");
  EXPECT_EQ(asked("POST", "/v1/domains/a.test/check"), "check /a.test");
  EXPECT_EQ(asked("POST", "/v1/domains/a.test/verify"), "verify /a.test");
  EXPECT_EQ(asked("POST", "/v1/domains/a.test/verify", R"({"force":true})"), "force /a.test");
  EXPECT_EQ(asked("POST", "/v1/domains/a.test/rotate", R"({"now":true})"), "now /a.test");
  EXPECT_EQ(asked("POST", "/v1/domains/a.test/keys", R"({"selector":"s","pem":"p"})"), "import s /a.test");
  EXPECT_EQ(asked("DELETE", "/v1/domains/a.test"), "remove a.test");
}

TEST_F(domain_routes, show_no_private_key) {
  const auto got = ask("GET", "/v1/domains/shop.test").body;
  EXPECT_THAT(got, HasSubstr(R"("record":"v=DKIM1; k=ed25519; p=)"));
  EXPECT_THAT(got, HasSubstr(R"("zone":"shop.test. 3600 IN TXT \"v=spf1 ~all\"\n")"));
  EXPECT_THAT(got, HasSubstr(R"("check":{"good":true})"));
  EXPECT_THAT(got, Not(HasSubstr("PRIVATE")));
}

TEST_F(domain_routes, refuse_bodies_that_are_not_understood) {
  EXPECT_EQ(ask("POST", "/v1/domains", R"({"domian":"a.test"})").status, 400u);
  EXPECT_EQ(ask("POST", "/v1/domains", "").status, 400u);
  EXPECT_EQ(ask("POST", "/v1/domains/a.test/verify", R"({"force":"yes"})").status, 400u);
  EXPECT_EQ(ask("POST", "/v1/domains/a.test/keys", R"({"selector":"s"})").status, 400u);
  EXPECT_EQ(manager.asked, "");
}

TEST_F(domain_routes, show_what_others_report) {
  auto& reports = control.operator_answers.report_rows;
  const wall_time day{std::chrono::sys_days(std::chrono::year(2025) / 3 / 1)};
  reports->since = day;
  reports->found.domains = {{"shop.test", 2, 30, 28}};
  reports->found.sources = {{"shop.test", "192.0.2.1", "none", "pass", "fail", "provider.test", 28, day}};
  reports->found.sessions = {{"shop.test", "sts", "success", "", "provider.test", 40, {}}};
  EXPECT_EQ(
      ask("GET", "/v1/domain-reports?domain=Shop.test.&since=30d&max=5").body,
      R"({"since":"2025-03-01T00:00:00.000Z",)"
      R"("domains":[{"domain":"shop.test","reports":2,"messages":30,"aligned":28}],)"
      R"("dmarc":[{"domain":"shop.test","source":"192.0.2.1","messages":28,"disposition":"none","dkim":"pass",)"
      R"("spf":"fail","reporter":"provider.test","latest":"2025-03-01T00:00:00.000Z"}],)"
      R"("tls":[{"domain":"shop.test","policy":"sts","result":"success","sessions":40,"reporter":"provider.test"}]})");
  const auto& asked = control.operator_answers.asked_reports;
  EXPECT_EQ(asked.domain, "shop.test");
  EXPECT_EQ(asked.since, std::chrono::days(30));
  EXPECT_EQ(asked.max, 5u);
  EXPECT_EQ(ask("GET", "/v1/domain-reports?domain=a..b").status, 400u);
  EXPECT_EQ(ask("GET", "/v1/domain-reports?since=soon").status, 400u);
}

TEST_F(domain_routes, say_why_something_is_refused) {
  const auto status = [&](domains::refusal_kind kind) {
    manager.refusal.emplace(kind, "the reason");
    const auto got = ask("POST", "/v1/domains/a.test/check");
    EXPECT_THAT(got.body, HasSubstr("the reason"));
    return got.status;
  };
  using enum domains::refusal_kind;
  EXPECT_EQ(status(not_found), 404u);
  EXPECT_EQ(status(exists), 409u);
  EXPECT_EQ(status(invalid), 400u);
  EXPECT_EQ(status(conflict), 409u);
  EXPECT_EQ(status(limit), 409u);
  EXPECT_EQ(status(unavailable), 503u);
  EXPECT_EQ(status(failed), 500u);
}

}  // namespace
}  // namespace gonets::httpd
