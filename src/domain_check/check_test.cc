#include "domain_check/check.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "dkim/key.h"
#include "domain_check/facts_test_support.h"
#include "domain_check/public_suffix.h"

namespace gonets::domain_check {
namespace {

using testing::HasSubstr;

const dkim::private_key& key() {
  static const auto made = *dkim::private_key::generate(dkim::algorithm::rsa_sha256);
  return made;
}

class check : public testing::Test {
 protected:
  check() {
    of.name = "shop.test";
    of.proof = "gonets-proof=abc";
    of.return_path = "bounce.shop.test";
    of.keys = {{"s1", key().record(), "rsa-sha256", 2048, true}};
    on.hostname = "mx.host.test";
    on.egresses = {{"192.0.2.1", "mx.host.test"}};
    dns.put(record_type::ptr, "1.2.0.192.in-addr.arpa", {"mx.host.test"});
    dns.put(record_type::a, "mx.host.test", {"192.0.2.1"});
    dns.put(record_type::mx, "shop.test", {"mx.host.test"});
    publish();
  }

  void publish() {
    for (const auto& r : records_for(of, on)) {
      if (r.type == "TXT") dns.txt(r.name, {r.value});
      if (r.type == "MX") dns.put(record_type::mx, r.name, {r.value.substr(3, r.value.size() - 4)});
      if (r.type == "CNAME") dns.put(record_type::cname, r.name, {r.value.substr(0, r.value.size() - 1)});
    }
  }
  report run() const {
    return dns.run([&](facts& known) { return examine(of, on, known); });
  }
  // "failed: text" of the first finding of this check that is worst.
  std::string said(std::string_view name) const {
    const auto r = run();
    const auto worst = r.worst(name);
    for (const auto& f : r.findings) {
      if (f.check == name && f.result == worst) return fmt::format("{}: {}", to_text(f.result), f.text);
    }
    return "nothing";
  }
  static std::string verdict(const report& r, std::string_view provider, std::string_view about = "") {
    for (const auto& v : r.providers) {
      if (v.provider != provider) continue;
      if (about.empty()) return std::string(to_text(v.result));
      for (const auto& one : v.requirements) {
        if (one.name == about) return std::string(to_text(one.result));
      }
    }
    return "nothing";
  }

  subject of;
  platform on;
  zone dns;
};

TEST_F(check, finds_nothing_wrong_when_what_was_printed_is_published) {
  const auto r = run();
  EXPECT_TRUE(r.good());
  EXPECT_TRUE(r.owned);
  EXPECT_THAT(r.published, testing::ElementsAre("s1"));
  for (const auto& f : r.findings)
    EXPECT_LE(f.result, status::info) << f.check << ' ' << f.text;
  for (const auto* provider : {"google", "yahoo", "microsoft", "mailru"})
    EXPECT_EQ(verdict(r, provider), "met") << provider;
}

TEST_F(check, says_what_is_wrong_with_spf) {
  dns.txt("shop.test", {"v=spf1 -all", "v=spf1 ip4:192.0.2.1 -all"});
  EXPECT_THAT(said("spf_record"), HasSubstr("failed: shop.test has 2 SPF records"));
  EXPECT_EQ(verdict(run(), "google", "spf"), "not_met");
  dns.txt("shop.test", {"v=spf1 -all"});
  EXPECT_THAT(said("spf_egress"), HasSubstr("failed: 192.0.2.1: fail (all)"));
  dns.txt("shop.test", {"v=spf1 ip4:192.0.2.1 +all"});
  EXPECT_THAT(said("spf_record"), HasSubstr("failed"));
  dns.txt("shop.test", {"v=spf1 ip4:192.0.2.1 a:gone.test -all"});
  EXPECT_THAT(said("spf_lookups"), HasSubstr("warning: 1 of 10 look-ups"));
  std::string many = "v=spf1 ip4:192.0.2.1";
  for (int i = 0; i < 11; ++i) {
    many += fmt::format(" a:h{}.test", i);
    dns.put(record_type::a, fmt::format("h{}.test", i), {"192.0.2.200"});
  }
  dns.txt("shop.test", {many + " -all"});
  EXPECT_THAT(said("spf_lookups"), HasSubstr("failed: 11 of 10"));
  dns.drop(record_type::txt, "shop.test");
  EXPECT_THAT(said("spf_record"), HasSubstr("failed: shop.test has no SPF record"));
  dns.fail(record_type::txt, "shop.test");
  EXPECT_THAT(said("spf_record"), HasSubstr("unknown"));
  EXPECT_EQ(verdict(run(), "google"), "unknown");
}

TEST_F(check, says_what_is_wrong_with_a_key) {
  const std::string name = "s1._domainkey.shop.test";
  dns.txt(name, {dkim::private_key::generate(dkim::algorithm::rsa_sha256)->record()});
  EXPECT_THAT(said("dkim_key"), HasSubstr("failed: " + name + ": another key"));
  dns.txt(name, {"v=DKIM1; p="});
  EXPECT_THAT(said("dkim_key"), HasSubstr("revoked"));
  dns.txt(name, {key().record() + "; t=y"});
  EXPECT_THAT(said("dkim_key"), HasSubstr("testing"));
  dns.txt(name, {key().record(), "another"});
  EXPECT_THAT(said("dkim_key"), HasSubstr("2 TXT records"));
  dns.drop(record_type::txt, name);
  EXPECT_THAT(said("dkim_key"), HasSubstr("failed: there is no record"));
  EXPECT_THAT(said("dkim_alignment"), HasSubstr("failed"));
  EXPECT_EQ(verdict(run(), "microsoft", "dkim"), "not_met");
  EXPECT_EQ(verdict(run(), "microsoft", "alignment"), "met");  // by SPF
  of.keys[0].active = false;
  EXPECT_THAT(said("dkim_key"), HasSubstr("warning"));
  EXPECT_THAT(said("dkim_signing"), HasSubstr("failed: no key is active"));
}

TEST_F(check, says_what_is_wrong_with_dmarc) {
  dns.txt("_dmarc.shop.test", {"v=DMARC1; p=maybe"});
  EXPECT_THAT(said("dmarc_record"), HasSubstr("failed: _dmarc.shop.test: p= is"));
  dns.txt("_dmarc.shop.test", {"v=DMARC1; p=none", "v=DMARC1; p=reject"});
  EXPECT_THAT(said("dmarc_record"), HasSubstr("several"));
  dns.txt("_dmarc.shop.test", {"v=DMARC1; p=none; aspf=s"});
  EXPECT_THAT(said("spf_alignment"), HasSubstr("warning: return-path bounce.shop.test does not align"));
  dns.txt("_dmarc.shop.test", {"v=DMARC1; p=reject; rua=mailto:d@shop.test"});
  EXPECT_THAT(said("dmarc_policy"), HasSubstr("ok"));
  EXPECT_THAT(said("dmarc_reports"), HasSubstr("ok"));
  dns.drop(record_type::txt, "_dmarc.shop.test");
  EXPECT_THAT(said("dmarc_record"), HasSubstr("failed: there is no record at _dmarc.shop.test"));
  EXPECT_EQ(verdict(run(), "yahoo", "dmarc"), "not_met");
}

TEST_F(check, takes_the_organization_s_dmarc_for_a_subdomain) {
  of.name = "mail.shop.test";
  dns.txt("_dmarc.shop.test", {"v=DMARC1; p=reject; sp=quarantine"});
  EXPECT_THAT(said("dmarc_record"), HasSubstr("ok: _dmarc.shop.test says p=quarantine"));
}

TEST_F(check, says_that_a_foreign_return_path_does_not_align) {
  of.return_path = "bounce.provider.test";
  EXPECT_THAT(said("spf_alignment"), HasSubstr("warning"));
  of.keys.clear();
  EXPECT_THAT(said("spf_alignment"), HasSubstr("failed"));
  EXPECT_EQ(verdict(run(), "google", "alignment"), "not_met");
}

TEST_F(check, wants_names_that_point_back) {
  dns.put(record_type::a, "mx.host.test", {"192.0.2.2"});
  EXPECT_THAT(said("reverse_dns"), HasSubstr("failed: 192.0.2.1 points at mx.host.test, which does not point back"));
  EXPECT_THAT(said("helo"), HasSubstr("warning"));
  dns.drop(record_type::ptr, "1.2.0.192.in-addr.arpa");
  EXPECT_THAT(said("reverse_dns"), HasSubstr("failed: 192.0.2.1 has no name"));
  EXPECT_EQ(verdict(run(), "google", "reverse_dns"), "not_met");
  EXPECT_EQ(verdict(run(), "microsoft"), "met");
  dns.put(record_type::ptr, "1.2.0.192.in-addr.arpa", {"h192-0-2-1.isp.test"});
  dns.put(record_type::a, "h192-0-2-1.isp.test", {"192.0.2.1"});
  EXPECT_THAT(said("reverse_dns"), HasSubstr("warning"));
}

TEST_F(check, looks_at_return_path_tracking_and_replies) {
  on.return_path_host = "return.host.test";
  on.tracking_host = "click.host.test";
  of.tracking = "click.shop.test";
  EXPECT_THAT(said("return_path"), HasSubstr("failed: bounce.shop.test is no alias"));
  publish();
  dns.txt("bounce.shop.test", {"v=spf1 ip4:192.0.2.1 -all"});  // as the alias leads to
  EXPECT_TRUE(run().good());
  dns.put(record_type::cname, "click.shop.test", {"click.other.test"});
  EXPECT_THAT(said("tracking"), HasSubstr("failed"));
  dns.put(record_type::mx, "shop.test", {""});
  EXPECT_THAT(said("mx"), HasSubstr("warning"));
  EXPECT_EQ(verdict(run(), "mailru", "replies"), "not_met");
  dns.drop(record_type::mx, "shop.test");
  EXPECT_THAT(said("mx"), HasSubstr("failed"));
}

TEST_F(check, wants_enforcement_for_bimi) {
  EXPECT_THAT(said("bimi"), HasSubstr("info"));
  dns.txt("default._bimi.shop.test", {"v=BIMI1; l=https://shop.test/logo.svg"});
  EXPECT_THAT(said("bimi"), HasSubstr("warning"));
  dns.txt("_dmarc.shop.test", {"v=DMARC1; p=quarantine"});
  EXPECT_THAT(said("bimi"), HasSubstr("ok"));
}

TEST_F(check, knows_the_owner_by_proof_or_by_key) {
  dns.drop(record_type::txt, "_gonets.shop.test");
  EXPECT_TRUE(run().owned);
  dns.drop(record_type::txt, "s1._domainkey.shop.test");
  EXPECT_FALSE(run().owned);
  dns.txt("_gonets.shop.test", {of.proof});
  EXPECT_TRUE(run().owned);
}

TEST(records, are_zone_lines_with_long_texts_in_parts) {
  EXPECT_EQ(zone_fragment(
                {{"dkim", "a.test", "TXT", std::string(300, 'x')}, {"return_path", "b.a.test", "MX", "10 mx.test."}}),
            "a.test. 3600 IN TXT \"" + std::string(255, 'x') + "\" \"" + std::string(45, 'x') +
                "\"\nb.a.test. 3600 IN MX 10 mx.test.\n");
}

TEST(records, ask_for_reports_where_they_are_read_and_say_whose_zone_must_agree) {
  subject of;
  of.name = "shop.example";
  platform on;
  on.hostname = "mx.host.test";
  const auto found = [&](std::string_view purpose) {
    for (const auto& r : records_for(of, on)) {
      if (r.purpose == purpose) return fmt::format("{}{} {}", r.elsewhere ? "elsewhere: " : "", r.name, r.value);
    }
    return std::string("nothing");
  };
  EXPECT_EQ(found("dmarc"), "_dmarc.shop.example v=DMARC1; p=none");
  EXPECT_EQ(found("dmarc_reports"), "nothing");
  EXPECT_EQ(found("tls_reports"), "nothing");
  on.dmarc_reports = "dmarc@bounce.host.test";
  on.tls_reports = "tlsrpt@bounce.host.test";
  EXPECT_EQ(found("dmarc"), "_dmarc.shop.example v=DMARC1; p=none; rua=mailto:dmarc@bounce.host.test");
  EXPECT_EQ(found("dmarc_reports"), "elsewhere: shop.example._report._dmarc.bounce.host.test v=DMARC1");
  EXPECT_EQ(found("tls_reports"), "_smtp._tls.shop.example v=TLSRPTv1; rua=mailto:tlsrpt@bounce.host.test");
  EXPECT_THAT(
      zone_fragment(records_for(of, on)),
      HasSubstr("\n; in another zone: shop.example._report._dmarc.bounce.host.test. 3600 IN TXT \"v=DMARC1\"\n"));
  of.name = "news.host.test";
  EXPECT_EQ(found("dmarc_reports"), "nothing");
}

TEST_F(check, says_when_reports_to_us_lack_the_consent_of_our_domain) {
  on.dmarc_reports = "dmarc@bounce.host.test";
  publish();
  EXPECT_EQ(said("dmarc_consent"), "ok: shop.test._report._dmarc.bounce.host.test lets reports come here");
  dns.drop(record_type::txt, "shop.test._report._dmarc.bounce.host.test");
  EXPECT_THAT(said("dmarc_consent"), HasSubstr("warning: there is no record at shop.test._report._dmarc"));
  dns.txt("_dmarc.shop.test", {"v=DMARC1; p=none; rua=mailto:me@shop.test"});
  EXPECT_EQ(said("dmarc_consent"), "nothing");
}

TEST(records, propose_an_include_or_the_addresses) {
  platform on;
  on.hostname = "mx.test";
  EXPECT_EQ(spf_record_for(on), "v=spf1 a:mx.test ~all");
  on.egresses = {{"192.0.2.1", "mx.test"}, {"2001:db8::1", "mx.test"}};
  EXPECT_EQ(spf_record_for(on), "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 ~all");
  on.spf = "include:spf.test";
  EXPECT_EQ(spf_record_for(on), "v=spf1 include:spf.test ~all");
}

TEST(public_suffix, knows_where_an_organization_begins) {
  EXPECT_EQ(organizational_domain("a.b.example.co.uk"), "example.co.uk");
  EXPECT_EQ(organizational_domain("mail.example.com"), "example.com");
  EXPECT_EQ(organizational_domain("a.example.test"), "example.test");
  EXPECT_EQ(organizational_domain("co.uk"), "co.uk");
}

}  // namespace
}  // namespace gonets::domain_check
