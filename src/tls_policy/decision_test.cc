#include "tls_policy/decision.h"

#include <gtest/gtest.h>

namespace gonets::tls_policy {
namespace {

const sts_policy enforcing{.mode = sts_mode::enforce, .mx = {"mx.example.com"}};
const sts_policy testing{.mode = sts_mode::testing, .mx = {"mx.example.com"}};
const host_tlsa no_tlsa;

host_tlsa with_tlsa(tlsa_finding finding) {
  return {.finding = finding, .base = "mx.example.com"};
}

std::string describe(const domain_facts& of, const host_tlsa& tlsa) {
  const auto h = decide_host(decide(of), tlsa);
  if (!h) return "not now";
  std::string text(to_text(h->governs));
  text += h->begin == begin_tls::never ? ": never" : h->begin == begin_tls::required ? ": required" : ": if offered";
  if (h->verify == verify_by::names) text += h->domain_name_counts ? ", host or domain" : ", host";
  if (h->verify == verify_by::dane) text += ", dane";
  if (h->clear_on_failure) text += ", else clear";
  if (h->needs_requiretls) text += ", requiretls";
  return text;
}

TEST(TlsDecision, of_configured_levels) {
  EXPECT_EQ(describe({.configured = level::none}, no_tlsa), "off: never, else clear");
  EXPECT_EQ(describe({}, no_tlsa), "opportunistic: if offered, else clear");
  EXPECT_EQ(describe({.configured = level::required}, no_tlsa), "required: required");
  EXPECT_EQ(describe({.configured = level::verified}, no_tlsa), "verified: required, host or domain");
}

TEST(TlsDecision, an_enforced_policy_outranks_every_level_but_none) {
  for (const level configured : {level::opportunistic, level::required, level::verified}) {
    EXPECT_EQ(describe({.configured = configured, .sts = &enforcing}, no_tlsa), "sts: required, host");
  }
  EXPECT_EQ(describe({.configured = level::none, .sts = &enforcing}, no_tlsa), "off: never, else clear");
}

TEST(TlsDecision, a_policy_in_testing_changes_nothing_but_the_site) {
  EXPECT_EQ(describe({.sts = &testing}, no_tlsa), "opportunistic: if offered, else clear");
  EXPECT_EQ(key_of(decide({.sts = &testing})), ";tls=sts-testing");
}

TEST(TlsDecision, dane_outranks_all_where_the_mail_hosts_are_secure) {
  const auto usable = with_tlsa(tlsa_finding::usable);
  EXPECT_EQ(describe({.mx_secure = true}, usable), "dane: required, dane");
  EXPECT_EQ(describe({.configured = level::verified, .mx_secure = true, .sts = &enforcing}, usable),
            "dane: required, dane");
  EXPECT_EQ(describe({.mx_secure = false}, usable), "opportunistic: if offered, else clear");
  EXPECT_EQ(describe({.configured = level::none, .mx_secure = true}, usable), "off: never, else clear");
}

TEST(TlsDecision, a_host_without_records_is_under_what_applies_otherwise) {
  EXPECT_EQ(describe({.mx_secure = true}, no_tlsa), "opportunistic: if offered, else clear");
  EXPECT_EQ(describe({.mx_secure = true, .sts = &enforcing}, no_tlsa), "sts: required, host");
}

TEST(TlsDecision, records_of_no_use_still_ask_for_tls) {
  const auto unusable = with_tlsa(tlsa_finding::unusable);
  EXPECT_EQ(describe({.mx_secure = true}, unusable), "dane: required");
  EXPECT_EQ(describe({.mx_secure = true, .sts = &enforcing}, unusable), "sts: required, host");
}

TEST(TlsDecision, a_failed_lookup_of_records_rules_the_host_out_for_now) {
  const auto failed = with_tlsa(tlsa_finding::failed);
  EXPECT_EQ(describe({.mx_secure = true}, failed), "not now");
  EXPECT_EQ(describe({.mx_secure = true, .sts = &enforcing}, failed), "not now");
  EXPECT_EQ(describe({.mx_secure = true, .tls_optional = true}, failed), "opportunistic: if offered, else clear");
}

TEST(TlsDecision, a_message_that_asks_for_no_policy_gets_the_configured_level) {
  const auto usable = with_tlsa(tlsa_finding::usable);
  EXPECT_EQ(describe({.mx_secure = true, .sts = &enforcing, .tls_optional = true}, usable),
            "opportunistic: if offered, else clear");
  EXPECT_EQ(describe({.configured = level::required, .sts = &enforcing, .tls_optional = true}, usable),
            "required: required");
}

TEST(TlsDecision, requiretls_needs_proof_of_the_hosts_and_of_the_certificate) {
  EXPECT_TRUE(decide({.require_tls = true}).hosts_unproven);
  EXPECT_TRUE(decide({.sts = &testing, .require_tls = true}).hosts_unproven);
  EXPECT_FALSE(decide({.sts = &enforcing, .require_tls = true}).hosts_unproven);
  EXPECT_FALSE(decide({.mx_secure = true, .require_tls = true}).hosts_unproven);
  EXPECT_EQ(describe({.mx_secure = true, .require_tls = true}, no_tlsa), "requiretls: required, host, requiretls");
  EXPECT_EQ(describe({.mx_secure = true, .require_tls = true}, with_tlsa(tlsa_finding::usable)),
            "requiretls: required, dane, requiretls");
  EXPECT_EQ(describe({.mx_secure = true, .require_tls = true}, with_tlsa(tlsa_finding::unusable)),
            "requiretls: required, host, requiretls");
  EXPECT_EQ(
      describe({.configured = level::none, .mx_secure = true, .require_tls = true, .tls_optional = true}, no_tlsa),
      "requiretls: required, host, requiretls");
}

TEST(TlsDecision, different_demands_have_different_keys) {
  EXPECT_EQ(key_of(decide({})), "");
  EXPECT_EQ(key_of(decide({.configured = level::none})), ";tls=none");
  EXPECT_EQ(key_of(decide({.configured = level::required})), ";tls=required");
  EXPECT_EQ(key_of(decide({.mx_secure = true})), ";tls=dane");
  EXPECT_EQ(key_of(decide({.sts = &enforcing})), ";tls=sts");
  EXPECT_EQ(key_of(decide({.mx_secure = true, .sts = &enforcing})), ";tls=dane+sts");
  EXPECT_EQ(key_of(decide({.mx_secure = true, .require_tls = true})), ";tls=dane+requiretls");
}

}  // namespace
}  // namespace gonets::tls_policy
