#include "domain_check/spf.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "domain_check/facts_test_support.h"

namespace gonets::domain_check {
namespace {

using testing::HasSubstr;

std::string outcome(const zone& z, std::string_view address, std::string_view domain = "a.test") {
  const auto o = z.run([&](facts& dns) { return evaluate_spf(dns, domain, address, "joe@a.test", "mx.a.test"); });
  return fmt::format("{}: {}", to_text(o.result), o.reason);
}
spf_cost cost(const zone& z) {
  return z.run([](facts& dns) { return count_spf(dns, "a.test"); });
}
zone spf(std::string record) {
  zone z;
  z.txt("a.test", {"something else", std::move(record)});
  return z;
}

TEST(spf, matches_networks_of_its_family) {
  const auto z = spf("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all");
  EXPECT_EQ(outcome(z, "192.0.2.7"), "pass: ip4:192.0.2.0/24");
  EXPECT_EQ(outcome(z, "2001:db8::1"), "pass: ip6:2001:db8::/32");
  EXPECT_THAT(outcome(z, "192.0.3.7"), HasSubstr("fail: all"));
  EXPECT_THAT(outcome(spf("v=spf1 ip4:192.0.2.1 ~all"), "192.0.2.2"), HasSubstr("softfail"));
  EXPECT_THAT(outcome(spf("v=spf1 ip4:192.0.2.1"), "192.0.2.2"), HasSubstr("neutral"));
  EXPECT_THAT(outcome(zone(), "192.0.2.2"), HasSubstr("none"));
}

TEST(spf, looks_up_a_mx_include_exists_ptr_and_redirect) {
  auto z = spf("v=spf1 a:h.test/24 mx include:inner.test exists:%{ir}.list.test ptr redirect=other.test");
  z.put(record_type::a, "h.test", {"192.0.2.9"});
  z.put(record_type::mx, "a.test", {"mx.test"}).put(record_type::a, "mx.test", {"198.51.100.1"});
  z.txt("inner.test", {"v=spf1 ip4:198.51.100.2 -all"});
  z.put(record_type::a, "3.100.51.198.list.test", {"127.0.0.2"});
  z.put(record_type::ptr, "4.100.51.198.in-addr.arpa", {"h4.a.test"})
      .put(record_type::a, "h4.a.test", {"198.51.100.4"});
  z.txt("other.test", {"v=spf1 ip4:198.51.100.5 ?all"});
  // What comes before the match must exist, or two of them are void look-ups.
  EXPECT_THAT(outcome(z, "192.0.2.1"), HasSubstr("pass: a:"));
  EXPECT_THAT(outcome(z, "198.51.100.1"), HasSubstr("pass: mx"));
  EXPECT_THAT(outcome(z, "198.51.100.2"), HasSubstr("pass: include"));
  EXPECT_THAT(outcome(z, "198.51.100.3"), HasSubstr("pass: exists"));
  EXPECT_THAT(outcome(z, "198.51.100.4"), HasSubstr("pass: ptr"));
  EXPECT_THAT(outcome(z, "198.51.100.5"), HasSubstr("pass: ip4"));
  EXPECT_THAT(outcome(z, "198.51.100.6"), HasSubstr("neutral: all"));
}

TEST(spf, is_an_error_when_it_costs_too_much_or_makes_no_sense) {
  std::string many = "v=spf1";
  zone z;
  for (int i = 0; i < 11; ++i) {
    many += fmt::format(" a:h{}.test", i);
    z.put(record_type::a, fmt::format("h{}.test", i), {"192.0.2.200"});
  }
  z.txt("a.test", {many + " -all"});
  EXPECT_THAT(outcome(z, "192.0.2.1"), HasSubstr("permerror: \"a\" is the 11th look-up"));
  EXPECT_EQ(cost(z).lookups, 11u);
  EXPECT_THAT(outcome(spf("v=spf1 a:x.test a:y.test a:z.test -all"), "192.0.2.1"), HasSubstr("permerror: more than 2"));
  EXPECT_THAT(outcome(spf("v=spf1 include:gone.test -all"), "192.0.2.1"), HasSubstr("permerror: include"));
  EXPECT_THAT(outcome(spf("v=spf1 ip4:999.0.2.1 -all"), "192.0.2.1"), HasSubstr("permerror: \"ip4:999.0.2.1\""));
  EXPECT_THAT(outcome(spf("v=spf1 include:a.test -all"), "192.0.2.1"), HasSubstr("permerror"));
  zone two;
  two.txt("a.test", {"v=spf1 -all", "v=spf1 ~all"});
  EXPECT_THAT(outcome(two, "192.0.2.1"), HasSubstr("permerror: a.test has 2"));
  zone down;
  down.fail(record_type::txt, "a.test");
  EXPECT_THAT(outcome(down, "192.0.2.1"), HasSubstr("temperror"));
}

TEST(spf, counts_what_nested_records_cost) {
  auto z = spf("v=spf1 include:one.test include:two.test mx -all");
  z.txt("one.test", {"v=spf1 a:h.test include:three.test ~all"}).put(record_type::a, "h.test", {"192.0.2.1"});
  z.txt("three.test", {"v=spf1 ip4:192.0.2.0/24 redirect=four.test"}).txt("four.test", {"v=spf1 a:gone.test -all"});
  z.txt("two.test", {"v=spf1 exists:%{i}.x.test redirect=unused.test -all"});
  z.put(record_type::mx, "a.test", {"mx.test"});
  const auto c = cost(z);
  EXPECT_EQ(c.lookups, 8u);
  EXPECT_THAT(c.void_names, testing::ElementsAre("gone.test"));
}

// RFC 7208 7.4.
TEST(spf, expands_macros) {
  const auto expand = [](std::string_view text, std::string_view address) {
    std::string to;
    const bool fine =
        detail::expand_spf(text, {"strong-bad@email.example.com", "email.example.com", address, "helo"}, to);
    return fine ? to : "error";
  };
  EXPECT_EQ(expand("%{s}", "192.0.2.3"), "strong-bad@email.example.com");
  EXPECT_EQ(expand("%{o}", "192.0.2.3"), "email.example.com");
  EXPECT_EQ(expand("%{d4}", "192.0.2.3"), "email.example.com");
  EXPECT_EQ(expand("%{d2}", "192.0.2.3"), "example.com");
  EXPECT_EQ(expand("%{dr}", "192.0.2.3"), "com.example.email");
  EXPECT_EQ(expand("%{d2r}", "192.0.2.3"), "example.email");
  EXPECT_EQ(expand("%{l-}", "192.0.2.3"), "strong.bad");
  EXPECT_EQ(expand("%{lr-}", "192.0.2.3"), "bad.strong");
  EXPECT_EQ(expand("%{l1r-}", "192.0.2.3"), "strong");
  EXPECT_EQ(expand("%{ir}.%{v}._spf.%{d2}", "192.0.2.3"), "3.2.0.192.in-addr._spf.example.com");
  EXPECT_EQ(expand("%{lr-}.lp._spf.%{d2}", "192.0.2.3"), "bad.strong.lp._spf.example.com");
  EXPECT_EQ(expand("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01"),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
  EXPECT_EQ(expand("%%%_%-", "192.0.2.3"), "% %20");
  EXPECT_EQ(expand("%{x}", "192.0.2.3"), "error");
  EXPECT_EQ(expand("%", "192.0.2.3"), "error");
}

}  // namespace
}  // namespace gonets::domain_check
