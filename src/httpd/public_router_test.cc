#include "httpd/public_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/secret.h"
#include "httpd/detail/unsubscribe_page.h"

namespace gonets::httpd {
namespace {
using feedback::no_subscription;
using feedback::said_by;
using feedback::subscribed;
using feedback::wish;
using testing::HasSubstr;
using testing::Not;

class fake_public_control : public public_control {
 public:
  feedback::subscription_result now = feedback::subscription{"bounces@shop.test", "ann@sink.test", subscribed::yes};
  std::string asked;  // of the token, and what

  void subscription(std::string token, done answer) override {
    asked = "look " + token;
    answer(now);
  }
  void change_subscription(std::string token, wish what, said_by way, done answer) override {
    asked = what == wish::unsubscribe ? "leave " : "return ";
    asked += token + " " + std::string(to_text(way));
    if (now) now->now = what == wish::unsubscribe ? subscribed::no : subscribed::yes;
    answer(now);
  }
  std::optional<message::visit> read_visit(std::string_view path) const override {
    if (path == "/o/known") return message::visit{{message_id{7}, {}}, ""};
    if (path == "/c/known/x") return message::visit{{message_id{7}, {}}, "https://shop.test/\xc3\xa4?a=1 b"};
    return std::nullopt;
  }
  void visited(message::visit where, tracking::visitor who) override {
    asked = (where.url.empty() ? "opened by " : "clicked by ") + who.address + " " + who.user_agent;
  }
};

class public_router : public testing::Test {
 protected:
  response ask(std::string method, std::string target, std::string body = "", std::string language = "",
               std::string_view peer = "192.0.2.1", std::string forwarded_for = "") {
    control_.asked.clear();
    std::optional<response> got;
    handle_public({.method = std::move(method),
                   .target = std::move(target),
                   .body = std::move(body),
                   .accept_language = std::move(language),
                   .user_agent = "Mail/1",
                   .forwarded_for = std::move(forwarded_for),
                   .peer = *parse_address(peer),
                   .has_origin = true,
                   .over_tcp = true},
                  control_, proxies_, [&got](response r) {
                    EXPECT_FALSE(got) << "answered twice";
                    got = std::move(r);
                  });
    EXPECT_TRUE(got) << "not answered";
    return got.value_or(response{.status = 0});
  }
  static std::string field(const response& r, std::string_view name) {
    for (const auto& [is, value] : r.fields)
      if (is == name) return value;
    return {};
  }

  fake_public_control control_;
  networks proxies_{{*parse_address("10.0.0.0"), 104}};
};

TEST_F(public_router, shows_a_page_that_asks_and_changes_nothing) {
  for (const auto* method : {"GET", "HEAD"}) {
    const auto got = ask(method, "/u/token?utm_source=x");
    EXPECT_EQ(got.status, 200u);
    EXPECT_EQ(control_.asked, "look token");
    EXPECT_THAT(got.body, HasSubstr("<form method=\"post\" action=\"token\"><button>Unsubscribe</button></form>"));
    EXPECT_THAT(got.body, HasSubstr("<b>ann@sink.test</b> gets this kind of mail from <b>shop.test</b>"));
  }
}

TEST_F(public_router, unsubscribes_by_any_post_and_tells_a_click_from_the_page) {
  EXPECT_EQ(ask("POST", "/u/token", "List-Unsubscribe=One-Click").status, 200u);
  EXPECT_EQ(control_.asked, "leave token one_click");
  ask("POST", "/u/token",
      "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n");
  EXPECT_EQ(control_.asked, "leave token one_click");
  const auto got = ask("POST", "/u/token", "");
  EXPECT_EQ(control_.asked, "leave token page");
  EXPECT_THAT(got.body, HasSubstr("<b>ann@sink.test</b> will get no more of this kind of mail from <b>shop.test</b>"));
  EXPECT_THAT(got.body, HasSubstr("action=\"token/resubscribe\""));
}

TEST_F(public_router, lets_people_change_their_mind) {
  const auto got = ask("POST", "/u/token/resubscribe");
  EXPECT_EQ(control_.asked, "return token page");
  EXPECT_THAT(got.body, HasSubstr("again"));
  EXPECT_THAT(got.body, HasSubstr("action=\"../token\""));
  ask("GET", "/u/token/resubscribe");
  EXPECT_EQ(control_.asked, "look token");
  control_.now->now = subscribed::no;
  EXPECT_THAT(ask("GET", "/u/token/resubscribe").body, HasSubstr("action=\"resubscribe\""));
  // What others put on the list is not his to take off.
  control_.now->now = subscribed::no_other;
  EXPECT_THAT(ask("GET", "/u/token").body, Not(HasSubstr("<form")));
}

TEST_F(public_router, says_the_same_of_all_that_it_does_not_know) {
  const auto nothing = ask("GET", "/");
  EXPECT_EQ(nothing.status, 404u);
  control_.now = std::unexpected(no_subscription::unknown);
  for (const auto* method : {"GET", "POST"}) {
    for (const auto* target : {"/u/forged", "/u/", "/u", "/u/a/b", "/healthz", "/metrics", "/v1/queue", "*",
                               "/u/0123456789012345678901234567890123456789012345678901234567890123456789"}) {
      const auto got = ask(method, target);
      EXPECT_EQ(got.status, 404u) << target;
      EXPECT_EQ(got.body, nothing.body) << target;
      EXPECT_EQ(got.fields, nothing.fields) << target;
    }
  }
  control_.now = std::unexpected(no_subscription::unavailable);
  EXPECT_EQ(ask("POST", "/u/token").status, 503u);
  const auto refused = ask("DELETE", "/u/token");
  EXPECT_EQ(refused.status, 405u);
  EXPECT_EQ(refused.allow, "GET, HEAD, POST");
  EXPECT_EQ(control_.asked, "");
}

TEST_F(public_router, lets_browsers_run_and_tell_nothing) {
  const auto got = ask("GET", "/u/token");
  EXPECT_EQ(got.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(field(got, "Referrer-Policy"), "no-referrer");
  EXPECT_THAT(field(got, "X-Robots-Tag"), HasSubstr("noindex"));
  const auto begins = got.body.find("<style>") + 7;
  const auto style = got.body.substr(begins, got.body.find("</style>") - begins);
  EXPECT_EQ(field(got, "Content-Security-Policy"),
            "default-src 'none'; style-src 'sha256-" + encode_base64(sha256(style)) +
                "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
}

TEST_F(public_router, serves_the_picture_and_tells_who_opened) {
  const auto got = ask("GET", "/o/known?x=1");
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(got.content_type, "image/gif");
  EXPECT_TRUE(got.body.starts_with("GIF89a") && got.body.ends_with(";"));
  EXPECT_EQ(got.body.size(), 43u);
  EXPECT_EQ(field(got, "Cache-Control"), "no-store");
  EXPECT_EQ(control_.asked, "opened by 192.0.2.1 Mail/1");
}

TEST_F(public_router, leads_on_to_where_a_link_led_and_tells_who_clicked) {
  const auto got = ask("GET", "/c/known/x");
  EXPECT_EQ(got.status, 302u);
  EXPECT_EQ(field(got, "Location"), "https://shop.test/%C3%A4?a=1%20b");
  EXPECT_EQ(control_.asked, "clicked by 192.0.2.1 Mail/1");
}

TEST_F(public_router, leads_on_without_telling_who_asks_for_the_header_alone) {
  EXPECT_EQ(ask("HEAD", "/c/known/x").status, 302u);
  EXPECT_EQ(control_.asked, "");
  const auto got = ask("POST", "/c/known/x");
  EXPECT_EQ(got.status, 405u);
  EXPECT_EQ(got.allow, "GET, HEAD");
  EXPECT_EQ(control_.asked, "");
}

TEST_F(public_router, leads_nowhere_by_an_address_that_is_not_ours) {
  for (const auto* path : {"/c/forged/x", "/o/forged", "/o/", "/c/"}) {
    const auto got = ask("GET", path);
    EXPECT_EQ(got.status, 404u) << path;
    EXPECT_EQ(field(got, "Location"), "") << path;
    EXPECT_EQ(control_.asked, "") << path;
  }
}

TEST_F(public_router, believes_proxies_of_whom_they_forward_for_and_nobody_else) {
  ask("GET", "/o/known", "", "", "10.1.2.3", "203.0.113.9, 198.51.100.7");
  EXPECT_EQ(control_.asked, "opened by 198.51.100.7 Mail/1");
  ask("GET", "/o/known", "", "", "192.0.2.1", "198.51.100.7");
  EXPECT_EQ(control_.asked, "opened by 192.0.2.1 Mail/1");
  for (const auto* wrong : {"", "unknown", "198.51.100.7,", "a, <b>"}) {
    ask("GET", "/o/known", "", "", "10.1.2.3", wrong);
    EXPECT_EQ(control_.asked, "opened by  Mail/1") << wrong;
  }
}

TEST_F(public_router, shows_what_others_wrote_as_text) {
  control_.now = feedback::subscription{"a@<b>.test", "\"<script>&\"@sink.test", subscribed::yes};
  const auto body = ask("GET", "/u/\"><script>").body;
  EXPECT_THAT(body, HasSubstr("&quot;&lt;script&gt;&amp;&quot;@sink.test"));
  EXPECT_THAT(body, HasSubstr("<b>&lt;b&gt;.test</b>"));
  EXPECT_THAT(body, Not(HasSubstr("<script")));
}

TEST_F(public_router, speaks_the_browser_s_language) {
  using detail::language;
  using detail::language_of;
  EXPECT_EQ(language_of("ru-RU,ru;q=0.9,en;q=0.8"), language::russian);
  EXPECT_EQ(language_of("de, RU;q=0.5"), language::russian);
  EXPECT_EQ(language_of("en-US,en;q=0.5,ru;q=0.3"), language::english);
  for (const auto* other : {"", "de", "rus", "*", ",,;", "x-ru"})
    EXPECT_EQ(language_of(other), language::english) << other;
  const auto got = ask("POST", "/u/token", "", "ru");
  EXPECT_THAT(got.body, HasSubstr("lang=\"ru\""));
  EXPECT_THAT(got.body, HasSubstr("больше не будет приходить на адрес <b>ann@sink.test</b>"));
  EXPECT_EQ(field(got, "Content-Language"), "ru");
}

}  // namespace
}  // namespace gonets::httpd
