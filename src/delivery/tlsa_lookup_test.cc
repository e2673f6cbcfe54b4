#include "delivery/tlsa_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "runtime/resolver_test_support.h"

namespace gonets::delivery {
namespace {

using runtime::dns_status;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tls_policy::tlsa_finding;
using tls_policy::tlsa_record;

class tlsa_lookup_test : public ::testing::Test {
 protected:
  void set_tlsa(const std::string& base, bool secure) {
    auto& answer = dns.answer_of("TLSA _25._tcp." + base);
    answer.status = dns_status::ok;
    answer.secure = secure;
    answer.tlsa = {tlsa_record{3, 1, 1, std::string(32, 'x')}};
  }
  tls_policy::host_tlsa find(const mx_host& host) {
    std::optional<tls_policy::host_tlsa> result;
    find_tlsa(dns, host, 25, [&](tls_policy::host_tlsa found) { result = std::move(found); });
    dns.run();
    return result.value();
  }

  runtime::scripted_resolver dns;
  mx_host plain{"mx.example.com", {"192.0.2.1"}, "mx.example.com", true};
  mx_host alias{"mx.example.com", {"192.0.2.1"}, "host.example.net", true};
};

TEST_F(tlsa_lookup_test, finds_the_records_of_a_secure_host) {
  set_tlsa("mx.example.com", true);
  const auto found = find(plain);
  EXPECT_EQ(found.finding, tlsa_finding::usable);
  EXPECT_EQ(found.base, "mx.example.com");
}

TEST_F(tlsa_lookup_test, asks_nothing_of_an_insecure_host) {
  set_tlsa("mx.example.com", true);
  plain.secure = false;
  EXPECT_EQ(find(plain).finding, tlsa_finding::none);
  EXPECT_THAT(dns.asked, IsEmpty());
}

TEST_F(tlsa_lookup_test, takes_no_record_that_is_not_validated) {
  set_tlsa("mx.example.com", false);
  EXPECT_EQ(find(plain).finding, tlsa_finding::none);
}

TEST_F(tlsa_lookup_test, tells_a_failure_from_absence) {
  EXPECT_EQ(find(plain).finding, tlsa_finding::none);
  for (const auto status : {dns_status::temporary, dns_status::bogus}) {
    dns.set_failure("TLSA _25._tcp.mx.example.com", status, "SERVFAIL");
    EXPECT_EQ(find(plain).finding, tlsa_finding::failed);
  }
}

TEST_F(tlsa_lookup_test, prefers_the_records_of_the_name_that_an_alias_leads_to) {
  set_tlsa("mx.example.com", true);
  EXPECT_EQ(find(alias).base, "mx.example.com");
  set_tlsa("host.example.net", true);
  EXPECT_EQ(find(alias).base, "host.example.net");
}

TEST_F(tlsa_lookup_test, of_an_alias_into_an_insecure_zone_only_its_own_records_count) {
  set_tlsa("mx.example.com", true);
  set_tlsa("host.example.net", true);
  alias.secure = false;
  auto& cname = dns.answer_of("CNAME mx.example.com");
  cname.status = dns_status::ok;
  cname.names = {"host.example.net"};
  EXPECT_EQ(find(alias).finding, tlsa_finding::none);
  cname.secure = true;
  EXPECT_EQ(find(alias).base, "mx.example.com");
  EXPECT_THAT(dns.asked, ElementsAre("CNAME mx.example.com", "CNAME mx.example.com", "TLSA _25._tcp.mx.example.com"));
}

}  // namespace
}  // namespace gonets::delivery
