#include "config/routes.h"

#include <gtest/gtest.h>

namespace gonets::config {
namespace {

settings with_routes(std::initializer_list<std::pair<const char*, const char*>> routes) {
  settings s;
  for (const auto& [domain, to] : routes) {
    s.routes.push_back(parse_target(to).value());
    s.routes.back().domain = domain;
  }
  return s;
}

TEST(match_route, takes_the_first_that_matches) {
  const settings s = with_routes({{"a.example", "capture"}, {"*.example", "smtp://relay.test:2525"}, {"*", "discard"}});
  EXPECT_EQ(match_route(s, "a.example").kind, route_kind::capture);
  EXPECT_EQ(match_route(s, "b.example").kind, route_kind::smtp);
  EXPECT_EQ(match_route(s, "other.test").kind, route_kind::discard);
}

TEST(match_route, goes_by_mx_when_none_matches) {
  const settings s = with_routes({{"a.example", "capture"}});
  EXPECT_EQ(match_route(s, "b.example").kind, route_kind::mx);
  EXPECT_EQ(match_route(settings(), "b.example").domain, "*");
}

TEST(match_route, ignores_case_and_one_trailing_dot) {
  const settings s = with_routes({{"Example.COM", "capture"}, {"*.Example.org", "discard"}});
  EXPECT_EQ(match_route(s, "exaMPle.com.").kind, route_kind::capture);
  EXPECT_EQ(match_route(s, "A.EXAMPLE.ORG.").kind, route_kind::discard);
  EXPECT_EQ(match_route(s, "example.com..").kind, route_kind::mx);
}

TEST(match_route, takes_a_star_for_any_depth_below_but_not_for_the_domain_itself) {
  EXPECT_TRUE(domain_matches("*.example.com", "a.example.com"));
  EXPECT_TRUE(domain_matches("*.example.com", "a.b.example.com"));
  EXPECT_FALSE(domain_matches("*.example.com", "example.com"));
  EXPECT_FALSE(domain_matches("*.example.com", ".example.com"));
  EXPECT_FALSE(domain_matches("*.example.com", "notexample.com"));
  EXPECT_FALSE(domain_matches("example.com", "a.example.com"));
}

TEST(parse_target, reads_back_what_target_text_writes) {
  for (const char* text :
       {"mx", "capture", "discard", "smtp://relay.example.com:587", "smtp://[::1]:25", "smtps://relay.example.com:465",
        "lmtp://127.0.0.1:24", "lmtp:/run/dovecot/lmtp", "maildir:/var/mail/{domain}/{local}"}) {
    const auto r = parse_target(text);
    ASSERT_TRUE(r) << text;
    EXPECT_EQ(target_text(*r), text);
  }
}

TEST(tls_level_of, takes_the_first_rule_that_matches_and_else_the_default) {
  using enum tls_policy::level;
  settings s;
  s.delivery.tls = required;
  s.tls_rules = {{"a.example", none}, {"*.example", verified}};
  EXPECT_EQ(tls_level_of(s, "a.example"), none);
  EXPECT_EQ(tls_level_of(s, "b.example"), verified);
  EXPECT_EQ(tls_level_of(s, "other.test"), required);
}

TEST(tls_level_of, a_route_is_what_it_says_or_what_fits_its_kind) {
  using enum tls_policy::level;
  settings s;
  EXPECT_EQ(tls_level_of(s, *parse_target("smtp://relay")), opportunistic);
  EXPECT_EQ(tls_level_of(s, *parse_target("smtps://relay")), verified);
  EXPECT_EQ(tls_level_of(s, *parse_target("lmtp:/run/lmtp")), none);
  auto said = *parse_target("smtps://relay");
  said.tls = required;
  EXPECT_EQ(tls_level_of(s, said), required);
}

TEST(parse_target, assumes_port_25_for_smtp_and_24_for_lmtp) {
  EXPECT_EQ(parse_target("smtps://relay")->port, 465);
  EXPECT_TRUE(parse_target("smtps://relay")->implicit_tls);
  EXPECT_FALSE(parse_target("smtp://relay")->implicit_tls);
  EXPECT_EQ(parse_target("smtp://relay")->port, 25);
  EXPECT_EQ(parse_target("lmtp://[::1]")->port, 24);
  EXPECT_EQ(parse_target("lmtp://10.0.0.1")->host, "10.0.0.1");
}

TEST(parse_target, refuses_other_text) {
  for (const char* wrong : {"", "MX", "smtp:", "smtp://", "smtp://:25", "smtp://host:", "smtp://host:0",
                            "smtp://host:70000", "smtp://user@host", "smtp://::1", "smtp://[10.0.0.1]", "smtp://a b",
                            "smtp://host:25/x", "lmtp:relative", "maildir:relative", "maildir:/mail/{user}",
                            "maildir:/mail/{local", "maildir:/{do{local}main}", "http://host"}) {
    EXPECT_FALSE(parse_target(wrong)) << wrong;
  }
}

TEST(is_domain, keeps_to_the_lengths_of_rfc_1035) {
  const std::string label(63, 'a');
  EXPECT_TRUE(is_domain(label + ".example"));
  EXPECT_FALSE(is_domain(label + "a.example"));
  EXPECT_FALSE(is_domain(label + "." + label + "." + label + "." + label));
  for (const char* wrong : {"", ".", "a..b", ".a", "a.", "-a", "a-.b", "a b", "*.a", "a@b"}) {
    EXPECT_FALSE(is_domain(wrong)) << wrong;
  }
  EXPECT_TRUE(is_domain("пример.рф"));
  EXPECT_TRUE(is_domain("_dmarc.example"));
}

TEST(is_domain_pattern, has_its_star_as_the_first_label_only) {
  EXPECT_TRUE(is_domain_pattern("*"));
  EXPECT_TRUE(is_domain_pattern("*.example.com"));
  for (const char* wrong : {"", "*.", "**", "a.*.b", "*example.com", "*.*.b"})
    EXPECT_FALSE(is_domain_pattern(wrong)) << wrong;
}

}  // namespace
}  // namespace gonets::config
