#include "accounts/directory.h"

#include <gtest/gtest.h>

namespace gonets::accounts {
namespace {

account shop(std::string plan = "") {
  account a;
  a.id = account_id{7};
  a.name = "shop";
  a.plan = std::move(plan);
  return a;
}

sender_domain domain(account_id owner, std::string name, bool verified) {
  sender_domain d;
  d.account = owner;
  d.name = std::move(name);
  d.verified = verified;
  return d;
}

TEST(directory, always_has_the_default_account) {
  const directory d({});
  ASSERT_NE(d.find(default_account), nullptr);
  EXPECT_EQ(d.find_account("default")->policy, from_policy::off);
}

TEST(directory, finds_what_it_was_given_by_each_of_its_names) {
  contents all;
  all.accounts.push_back(shop());
  credential c;
  c.id = credential_id{3};
  c.account = account_id{7};
  c.login = "shop-web";
  c.certificate_sha256 = "ab12";
  all.credentials.push_back(c);
  const directory d(std::move(all));
  EXPECT_EQ(d.find(account_id{7})->name, "shop");
  EXPECT_EQ(d.find_account("shop")->id, account_id{7});
  EXPECT_EQ(d.find_login("shop-web")->id, credential_id{3});
  EXPECT_EQ(d.find(credential_id{3})->login, "shop-web");
  EXPECT_EQ(d.find_certificate("ab12")->id, credential_id{3});
  EXPECT_EQ(d.find_login("nobody"), nullptr);
  EXPECT_EQ(d.find_certificate(""), nullptr);
}

TEST(directory, a_verified_domain_stands_for_its_subdomains_and_for_its_owner_alone) {
  contents all;
  all.domains = {domain(account_id{7}, "example.com", true), domain(account_id{7}, "news.example.com", true),
                 domain(account_id{8}, "example.com", false), domain(account_id{8}, "other.test", false)};
  const directory d(std::move(all));
  EXPECT_EQ(d.domain_for(account_id{7}, "example.com")->name, "example.com");
  EXPECT_EQ(d.domain_for(account_id{7}, "a.b.example.com")->name, "example.com");
  EXPECT_EQ(d.domain_for(account_id{7}, "x.news.example.com")->name, "news.example.com");
  EXPECT_EQ(d.domain_for(account_id{7}, "notexample.com"), nullptr);
  EXPECT_EQ(d.domain_for(account_id{7}, "com"), nullptr);
  EXPECT_EQ(d.domain_for(account_id{8}, "example.com"), nullptr);
  EXPECT_EQ(d.domain_for(account_id{8}, "other.test"), nullptr);
  EXPECT_EQ(d.domains_named("example.com").size(), 2u);
}

sender_domain with_return_path(std::string name, std::string host, std::string_view result, bool verified = true) {
  auto d = domain(account_id{7}, std::move(name), verified);
  d.last_check = R"({"findings":[{"check":"return_path","about":")" + host + R"(",)" + std::string(result) +
                 R"(},{"check":"return_path_spf","about":"192.0.2.1","result":"ok"}]})";
  d.return_path = std::move(host);
  return d;
}

TEST(directory, a_return_path_is_used_while_it_works_and_taken_as_long_as_its_domain_is_verified) {
  contents all;
  all.domains = {with_return_path("good.test", "bounce.good.test", R"("result":"ok")"),
                 with_return_path("unknown.test", "bounce.unknown.test", R"("result":"unknown","before":"ok")"),
                 with_return_path("broken.test", "bounce.broken.test", R"("result":"failed")"),
                 with_return_path("no-spf.test", "bounce.no-spf.test", R"("result":"ok")"),
                 with_return_path("moved.test", "bounce.moved.test", R"("result":"ok")"),
                 with_return_path("other.test", "bounce.other.test", R"("result":"ok")", false)};
  auto& no_spf = all.domains[3].last_check;
  no_spf.replace(no_spf.rfind("ok"), 2, "failed");
  all.domains[4].return_path = "new.moved.test";
  const directory d(std::move(all));
  const account_id owner{7};
  EXPECT_EQ(d.return_path_for(owner, "good.test"), "bounce.good.test");
  EXPECT_EQ(d.return_path_for(owner, "news.good.test"), "bounce.good.test");
  EXPECT_EQ(d.return_path_for(account_id{8}, "good.test"), "");
  EXPECT_EQ(d.return_path_for(owner, "unknown.test"), "bounce.unknown.test");
  for (const auto* name : {"broken.test", "no-spf.test", "moved.test", "other.test", "", "test"})
    EXPECT_EQ(d.return_path_for(owner, name), "") << name;
  EXPECT_TRUE(d.is_return_path("bounce.broken.test"));
  EXPECT_FALSE(d.is_return_path("bounce.other.test"));
}

TEST(directory, a_return_path_beyond_its_domain_takes_nobodys_mail) {
  contents all;
  all.domains = {with_return_path("shop.test", "victim.test", R"("result":"ok")"),
                 with_return_path("whole.test", "whole.test", R"("result":"ok")"),
                 with_return_path("near.test", "bouncenear.test", R"("result":"ok")")};
  const directory d(std::move(all));
  for (const auto& each : d.all().domains) {
    EXPECT_FALSE(d.is_return_path(each.return_path)) << each.return_path;
    EXPECT_EQ(d.return_path_for(account_id{7}, each.name), "");
  }
}

TEST(directory, an_accounts_own_quota_replaces_the_same_one_of_its_plan) {
  contents all;
  const quota month{quota_window::month, quota_measure::recipients, 1500, ""};
  const quota hour{quota_window::hour, quota_measure::recipients, 100, ""};
  all.plans.push_back({"free", {month, hour}});
  auto a = shop("free");
  const quota own{quota_window::hour, quota_measure::recipients, 500, ""};
  a.quotas = {own};
  all.accounts.push_back(a);
  const directory d(std::move(all));
  EXPECT_EQ(d.quotas_of(account_id{7}), (std::vector<quota>{own, month}));
  EXPECT_TRUE(d.quotas_of(default_account).empty());
}

}  // namespace
}  // namespace gonets::accounts
