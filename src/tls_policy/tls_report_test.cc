#include "tls_policy/tls_report.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace gonets::tls_policy {
namespace {

using namespace std::chrono_literals;
using scheme = report_uri::scheme;

std::string unzipped(std::string_view packed) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  std::string text(1 << 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

report example() {
  report r;
  r.organization = "Company-X";
  r.contact = "sts-reporting@company-x.example";
  r.submitter = "mail.company-x.example";
  r.domain = "company-y.example";
  r.id = "5065427c-23d3";
  r.day = std::chrono::sys_days(2016y / 4 / 1);
  policy_results sts;
  sts.kind = reported_policy::sts;
  sts.lines = {"version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"};
  sts.mx_hosts = {"*.mail.company-y.example"};
  sts.successes = 5326;
  sts.failures = {{tls_result::certificate_expired, "2001:db8:abcd:12::1", "mx1.mail.company-y.example", "", "", 100},
                  {tls_result::starttls_not_supported, "2001:db8:abcd:13::1", "mx2.mail.company-y.example",
                   "203.0.113.56", "", 200}};
  r.policies.push_back(std::move(sts));
  return r;
}

TEST(report_uris, are_mail_addresses_and_https_urls) {
  EXPECT_EQ(report_uris({"v=TLSRPTv1; rua=mailto:reports@example.com,https://reporting.example.com/v1/tlsrpt;"}),
            (std::vector<report_uri>{{scheme::mailto, "reports@example.com"},
                                     {scheme::https, "https://reporting.example.com/v1/tlsrpt"}}));
  EXPECT_EQ(report_uris({"v=TLSRPTv1;rua=mailto:a%2Bb@example.com?subject=x"}),
            (std::vector<report_uri>{{scheme::mailto, "a+b@example.com"}}));
}

TEST(report_uris, are_left_out_when_they_cannot_be_used) {
  EXPECT_EQ(report_uris({"v=TLSRPTv1; rua=http://plain.example.com/ , mailto:nobody, mailto:a%0d%0aTo:x@b.test,"
                         "mailto:ok@example.com , mailto:ok@example.com"}),
            (std::vector<report_uri>{{scheme::mailto, "ok@example.com"}}));
}

TEST(report_uris, are_none_when_the_record_is_not_the_only_one_or_incorrect) {
  EXPECT_TRUE(report_uris({}).empty());
  EXPECT_TRUE(report_uris({"v=TLSRPTv1; rua=mailto:a@b.c", "v=TLSRPTv1; rua=mailto:a@b.c"}).empty());
  EXPECT_TRUE(report_uris({"v=TLSRPTv1"}).empty());
  EXPECT_TRUE(report_uris({"v=TLSRPTv1; rua"}).empty());
  EXPECT_TRUE(report_uris({"v=TLSRPTv2; rua=mailto:a@b.c"}).empty());
}

TEST(report_uris, are_bounded_in_number) {
  std::string record = "v=TLSRPTv1; rua=mailto:a@b.c";
  for (char c = 'b'; c <= 'z'; ++c)
    record += std::string(",mailto:") + c + "@b.c";
  EXPECT_EQ(report_uris({record}).size(), report_uris_max);
}

TEST(tls_report, has_the_fields_of_rfc_8460) {
  EXPECT_EQ(report_json(example()),
            R"({"organization-name":"Company-X","date-range":{"start-datetime":"2016-04-01T00:00:00Z",)"
            R"("end-datetime":"2016-04-01T23:59:59Z"},"contact-info":"sts-reporting@company-x.example",)"
            R"("report-id":"5065427c-23d3","policies":[{"policy":{"policy-type":"sts","policy-string":)"
            R"(["version: STSv1","mode: testing","mx: *.mail.company-y.example","max_age: 86400"],)"
            R"("policy-domain":"company-y.example","mx-host":["*.mail.company-y.example"]},)"
            R"("summary":{"total-successful-session-count":5326,"total-failure-session-count":300},)"
            R"("failure-details":[{"result-type":"certificate-expired","sending-mta-ip":"2001:db8:abcd:12::1",)"
            R"("receiving-mx-hostname":"mx1.mail.company-y.example","failed-session-count":100},)"
            R"({"result-type":"starttls-not-supported","sending-mta-ip":"2001:db8:abcd:13::1",)"
            R"("receiving-mx-hostname":"mx2.mail.company-y.example","receiving-ip":"203.0.113.56",)"
            R"("failed-session-count":200}]}]})");
}

TEST(tls_report, of_a_domain_without_a_policy_says_so) {
  report r;
  r.domain = "example.org";
  r.policies.emplace_back().successes = 3;
  EXPECT_TRUE(report_json(r).ends_with(
      R"("policies":[{"policy":{"policy-type":"no-policy-found","policy-domain":"example.org"},)"
      R"("summary":{"total-successful-session-count":3,"total-failure-session-count":0}}]})"))
      << report_json(r);
}

TEST(tls_report, names_its_file_by_both_domains_and_the_day) {
  EXPECT_EQ(report_file_name(example()),
            "mail.company-x.example!company-y.example!1459468800!1459555199!5065427c-23d3.json.gz");
}

TEST(tls_report, is_the_same_after_gzip) {
  const auto json = report_json(example());
  const auto packed = gzip(json);
  EXPECT_LT(packed.size(), json.size());
  EXPECT_EQ(unzipped(packed), json);
  EXPECT_EQ(unzipped(gzip("")), "");
}

TEST(tls_report, goes_by_mail_as_multipart_report_with_the_fields_of_rfc_8460) {
  const report_mail with{"tls@company-x.example", "reports@company-y.example", wall_time(1'459'600'000s), 0xabc};
  const auto mail = compose_report_mail(example(), with, std::string(100, 'x'));
  for (const std::string_view part :
       {"From: <tls@company-x.example>\r\n", "To: <reports@company-y.example>\r\n",
        "Date: Sat, 02 Apr 2016 12:26:40 +0000\r\n",
        "Subject: Report Domain: company-y.example\r\n Submitter: mail.company-x.example\r\n Report-ID: "
        "<5065427c-23d3>\r\n",
        "TLS-Report-Domain: company-y.example\r\n", "TLS-Report-Submitter: mail.company-x.example\r\n",
        "TLS-Required: No\r\n", "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n",
        "Content-Type: application/tlsrpt+gzip\r\n", "Sessions that failed: 300\r\n"}) {
    EXPECT_NE(mail.find(part), mail.npos) << part << "\n" << mail;
  }
  EXPECT_TRUE(mail.ends_with("--=_tlsrpt.0000000000000abc--\r\n"));
  EXPECT_EQ(mail.find("\n\n"), mail.npos);
}

TEST(tls_result, is_read_as_it_is_written) {
  for (int i = 0; i <= static_cast<int>(tls_result::sts_webpki_invalid); ++i) {
    const auto result = static_cast<tls_result>(i);
    EXPECT_EQ(parse_tls_result(to_text(result)), result);
  }
  EXPECT_FALSE(parse_tls_result("other"));
  EXPECT_EQ(parse_reported_policy("tlsa"), reported_policy::tlsa);
  EXPECT_FALSE(parse_reported_policy("other"));
}

}  // namespace
}  // namespace gonets::tls_policy
