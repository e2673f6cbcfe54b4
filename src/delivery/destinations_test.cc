#include "delivery/destinations.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "config/routes.h"
#include "runtime/resolver_test_support.h"

namespace gonets::delivery {
namespace {

using tls_policy::level;
using tls_policy::sts_mode;
using tls_policy::sts_policy;

struct still_clock final : clock {
  wall_time wall() const override { return {}; }
  steady_time steady() const override { return {}; }
};

class known_policies final : public sts_source {
 public:
  void find(std::string_view domain, handler done) override {
    const auto at = policies.find(std::string(domain));
    done(at == policies.end() ? nullptr : at->second);
  }
  void set(const std::string& domain, sts_mode mode, std::vector<std::string> mx) {
    policies[domain] = std::make_shared<const sts_policy>(sts_policy{.mode = mode, .mx = std::move(mx)});
  }
  std::map<std::string, sts_policy_ptr> policies;
};

class destinations_test : public ::testing::Test {
 protected:
  destinations_test() {
    for (const auto* domain : {"a.example", "b.example", "c.example"})
      dns.set_mx(domain, {{10, "mx1.host.example"}, {20, "mx2.host.example"}});
  }
  // The key of the domain's site; "refused" where it has none.
  std::string site(const std::string& domain) {
    (void)directory.known(domain);
    dns.run();
    const auto to = directory.known(domain);
    return to ? to->site_key : "refused";
  }
  void secure(const std::string& domain) { dns.answer_of("MX " + domain).secure = true; }

  static constexpr const char* plain = "mx:mx1.host.example,mx2.host.example";
  config::settings with;
  runtime::shards shards{1};
  runtime::scripted_resolver dns;
  mx_lookup lookup{dns, {}, 1};
  known_policies sts;
  still_clock time;
  metrics::registry counts;
  egress_book egresses{time, counts};
  destinations directory{with, shards, 0, lookup, sts, time, egresses};
};

TEST_F(destinations_test, share_a_site_where_domains_have_the_same_hosts_and_ask_for_nothing) {
  EXPECT_EQ(site("a.example"), plain);
  EXPECT_EQ(directory.known("a.example"), (site("b.example"), directory.known("b.example")));
}

TEST_F(destinations_test, are_apart_where_the_configured_level_differs) {
  with.tls_rules = {{"a.example", level::required}};
  EXPECT_EQ(site("a.example"), plain + std::string(";tls=required"));
  EXPECT_EQ(site("b.example"), plain);
}

TEST_F(destinations_test, are_apart_where_dnssec_vouches_for_the_hosts) {
  secure("a.example");
  EXPECT_EQ(site("a.example"), plain + std::string(";tls=dane"));
  EXPECT_EQ(site("b.example"), plain);
  with.delivery.dane = false;
  EXPECT_EQ(site("a.example"), plain);
}

TEST_F(destinations_test, have_the_hosts_only_that_an_enforced_policy_allows) {
  sts.set("a.example", sts_mode::enforce, {"mx2.host.example"});
  sts.set("b.example", sts_mode::enforce, {"*.host.example"});
  EXPECT_EQ(site("a.example"), "mx:mx2.host.example;tls=sts");
  EXPECT_EQ(site("b.example"), plain + std::string(";tls=sts"));
  EXPECT_EQ(site("c.example"), plain);
}

TEST_F(destinations_test, are_none_where_an_enforced_policy_allows_no_host) {
  sts.set("a.example", sts_mode::enforce, {"elsewhere.example"});
  EXPECT_EQ(site("a.example"), "refused");
  sts.set("b.example", sts_mode::testing, {"elsewhere.example"});
  EXPECT_EQ(site("b.example"), plain + std::string(";tls=sts-testing"));
  with.delivery.mta_sts = false;
  EXPECT_EQ(site("a.example"), plain);
}

TEST_F(destinations_test, of_a_message_with_requiretls_are_a_site_of_their_own_or_none) {
  EXPECT_EQ(site("a.example;requiretls"), "refused");
  secure("b.example");
  EXPECT_EQ(site("b.example;requiretls"), plain + std::string(";tls=dane+requiretls"));
  sts.set("c.example", sts_mode::enforce, {"mx1.host.example"});
  EXPECT_EQ(site("c.example;requiretls"), "mx:mx1.host.example;tls=requiretls");
}

TEST_F(destinations_test, of_a_message_that_needs_no_tls_ignore_what_the_domain_asks_for) {
  secure("a.example");
  sts.set("a.example", sts_mode::enforce, {"elsewhere.example"});
  EXPECT_EQ(site("a.example;tls-optional"), plain);
}

TEST_F(destinations_test, of_routes_have_their_level_in_the_key) {
  with.routes = {{.domain = "a.example", .kind = config::route_kind::smtp, .host = "relay.test", .implicit_tls = true},
                 {.domain = "b.example", .kind = config::route_kind::capture}};
  with.routes[0].port = 465;
  EXPECT_EQ(site("a.example"), "smtps://relay.test:465;tls=verified");
  EXPECT_EQ(site("a.example;requiretls"), "smtps://relay.test:465;tls=requiretls");
  EXPECT_EQ(site("b.example;requiretls"), "capture");
}

TEST_F(destinations_test, by_an_egress_are_a_site_of_their_own) {
  with.egresses = {{.name = "a"}, {.name = "b"}};
  with.routes = {{.domain = "b.example", .egress = "b"},
                 {.domain = "relay.example", .kind = config::route_kind::smtp, .host = "relay.test", .egress = "a"},
                 {.domain = "c.example", .kind = config::route_kind::capture}};
  with.delivery.tls = level::none;
  egresses.configure(with);
  EXPECT_EQ(site("a.example"), plain + std::string(";tls=none"));
  EXPECT_EQ(directory.known("a.example")->egress(), "default");
  EXPECT_EQ(site("a.example;egress=a"), plain + std::string(";tls=none via a"));
  EXPECT_EQ(directory.known("a.example;egress=a")->egress(), "a");
  EXPECT_EQ(site("b.example;egress=a"), plain + std::string(";tls=none via b"));
  EXPECT_EQ(site("relay.example"), "smtp://relay.test:25;tls=none via a");
  EXPECT_EQ(site("c.example;egress=a"), "capture");
}

TEST_F(destinations_test, refused_by_one_egress_go_by_another_of_the_pool) {
  with.egresses = {{.name = "a"}, {.name = "b"}};
  with.pools = {{"pair", {{"a"}, {"b"}}}};
  egresses.configure(with);
  const std::string name = "a.example;egress=pair#3";
  ASSERT_NE(site(name), "refused");
  const auto first = directory.known(name);
  const auto next = directory.past_egress(name, *first, std::chrono::hours(1));
  ASSERT_TRUE(next);
  const auto second = directory.known(*next);
  EXPECT_NE(second->egress(), first->egress());
  EXPECT_EQ(site("b.example;egress=pair#3"), second->site_key);  // the same hosts, for an hour
  EXPECT_FALSE(directory.past_egress(*next, *second, {}));
  EXPECT_FALSE(directory.past_egress("a.example;egress=a", *directory.known("a.example;egress=a"), {}));
}

TEST_F(destinations_test, of_a_login_are_a_site_of_their_own_with_its_limits) {
  with.routes = {config::parse_target("smtp://smtp.example.com:587").value()};
  with.routes[0].logins = {{.name = "user", .password = "old"}};
  with.routes[0].limits.messages_a_day = 5;
  ASSERT_EQ(site("a.example"), "smtp://smtp.example.com:587 as user;tls=verified");
  const auto found = directory.known("a.example");
  const auto& to = dynamic_cast<const routed_destination&>(*found);
  ASSERT_EQ(to.limits().size(), 1u);
  EXPECT_EQ(to.limits()[0].max, 5u);
  EXPECT_EQ(to.login->password, "old");

  // A reload: those who have the destination go on with the new password and limits.
  with.routes[0].logins[0].password = "new";
  with.routes[0].limits.messages_a_day = 7;
  EXPECT_EQ(directory.known("a.example"), found);
  EXPECT_EQ(to.login->password, "new");
  EXPECT_EQ(to.limits()[0].max, 7u);

  with.routes[0].logins[0].name = "other";
  EXPECT_NE(directory.known("a.example"), found);
}

TEST_F(destinations_test, spread_domains_over_a_pool_and_keep_to_it) {
  with.routes = {config::parse_target("smtp://smtp.example.com:587").value()};
  with.routes[0].logins = {{.name = "one", .password = "x"}, {.name = "two", .password = "x"}};
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) {
    const auto domain = fmt::format("d{}.example", i);
    seen.insert(site(domain));
    EXPECT_EQ(site(domain), site(domain));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"smtp://smtp.example.com:587 as one;tls=verified",
                                         "smtp://smtp.example.com:587 as two;tls=verified"}));
}

}  // namespace
}  // namespace gonets::delivery
