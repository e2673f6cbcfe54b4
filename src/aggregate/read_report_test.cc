#include "aggregate/read_report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <zlib.h>

#include <algorithm>

namespace gonets::aggregate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string record(std::string_view source = "192.0.2.1", std::string_view count = "17") {
  return fmt::format(
      "<record><row><source_ip>{}</source_ip><count>{}</count><policy_evaluated><disposition>none</disposition>"
      "<dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>Shop.test</header_from>"
      "</identifiers><auth_results><dkim><domain>x.test</domain></dkim></auth_results></record>",
      source, count);
}

std::string feedback(std::string_view records, std::string_view domain = "Shop.Test.") {
  return fmt::format(
      "<?xml version=\"1.0\"?>\n<feedback>\n <report_metadata><org_name> provider.test\n</org_name>"
      "<report_id>r&lt;1&gt;</report_id><date_range><begin>1764028800</begin><end>1764115199</end></date_range>"
      "</report_metadata><policy_published><domain>{}</domain><p>none</p></policy_published>{}</feedback>",
      domain, records);
}

std::string why(std::string_view xml, const report_limits& limits = {}) {
  const auto read = read_dmarc_report(xml, limits);
  return read ? "read" : read.error();
}

std::string deflated(std::string_view plain, int window) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}
std::string gzipped(std::string_view plain) {
  return deflated(plain, MAX_WBITS + 16);
}

std::string little_endian(std::uint64_t number, std::size_t bytes) {
  std::string to;
  for (; bytes > 0; --bytes, number >>= 8)
    to += static_cast<char>(number & 0xff);
  return to;
}

struct zip_file {
  std::string_view plain;
  bool packed = true, described_later = false;
  unsigned flags = 0;
  std::uint32_t crc_changed = 0;
};
std::string zip_entry(const zip_file& f) {
  const auto data = f.packed ? deflated(f.plain, -MAX_WBITS) : std::string(f.plain);
  const auto crc =
      crc32(0, reinterpret_cast<const Bytef*>(f.plain.data()), static_cast<uInt>(f.plain.size())) ^ f.crc_changed;
  const auto sums = little_endian(crc, 4) + little_endian(data.size(), 4) + little_endian(f.plain.size(), 4);
  return "PK\x03\x04" + little_endian(20, 2) + little_endian(f.flags | (f.described_later ? 8 : 0), 2) +
         little_endian(f.packed ? 8 : 0, 2) + std::string(4, '\0') +
         (f.described_later ? std::string(12, '\0') : sums) + little_endian(5, 2) + little_endian(0, 2) + "a.xml" +
         data + (f.described_later ? "PK\x07\x08" + sums : "");
}
std::string zipped(const zip_file& f) {
  return zip_entry(f) + "PK\x01\x02 the directory";
}

std::string unpacked(std::string_view packed, const unpack_limits& limits = {}) {
  const auto made = unpack(packed, limits);
  return made ? *made : "error: " + made.error();
}

TEST(unpack, gives_what_was_packed_whichever_way) {
  const std::string plain = feedback(record());
  for (const auto& packed :
       {plain, gzipped(plain), zipped({plain}), zipped({plain, false}), zipped({plain, true, true})})
    EXPECT_EQ(unpacked(packed), plain);
}

TEST(unpack, of_any_part_of_a_file_says_what_is_wrong) {
  const std::string plain = feedback(record());
  for (const auto& whole : {gzipped(plain), zipped({plain}), zipped({plain, false}), zipped({plain, true, true})}) {
    const auto end =
        std::min(whole.size(), whole.rfind("PK\x01\x02") == whole.npos ? whole.size() : whole.rfind("PK\x01\x02"));
    for (std::size_t i = 4; i < end; ++i)
      EXPECT_THAT(unpacked(whole.substr(0, i)), HasSubstr("error: ")) << i;
  }
}

TEST(unpack, stops_at_a_bomb) {
  const std::string zeros(20u << 20, '\0');
  EXPECT_THAT(unpacked(gzipped(zeros)), HasSubstr("more than"));
  EXPECT_THAT(unpacked(zipped({zeros})), HasSubstr("more than"));
  EXPECT_THAT(unpacked(gzipped(zeros), {.ratio_max = 5000}), HasSubstr("more than 10485760 bytes"));
  EXPECT_THAT(unpacked(gzipped(zeros.substr(0, 1u << 20))), HasSubstr("more than 400 times its size"));
  EXPECT_THAT(unpacked(zeros), HasSubstr("more than 10485760 bytes"));
  EXPECT_THAT(unpacked(zipped({zeros, false})), HasSubstr("more than 10485760 bytes"));
}

TEST(unpack, takes_one_file_and_neither_secrets_nor_damage) {
  const std::string plain = feedback(record());
  EXPECT_THAT(unpacked(zip_entry({plain}) + zipped({plain})), HasSubstr("more than one file"));
  EXPECT_THAT(unpacked(zipped({.plain = plain, .flags = 1})), HasSubstr("encrypted"));
  EXPECT_THAT(unpacked(zipped({.plain = plain, .crc_changed = 1})), HasSubstr("checksum"));
}

TEST(dmarc_report, is_read_with_all_that_is_kept_of_it) {
  const auto read = read_dmarc_report(feedback(record() + record("2001:DB8::0:7", " 2\n")));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->head.reporter, "provider.test");
  EXPECT_EQ(read->head.id, "r<1>");
  EXPECT_EQ(read->head.begin.time_since_epoch(), std::chrono::seconds(1764028800));
  EXPECT_EQ(read->head.end.time_since_epoch(), std::chrono::seconds(1764115199));
  EXPECT_EQ(read->domain, "shop.test");
  EXPECT_THAT(read->rows, ElementsAre(dmarc_row{"192.0.2.1", "none", "pass", "fail", "shop.test", 17},
                                      dmarc_row{"2001:db8::7", "none", "pass", "fail", "shop.test", 2}));
}

TEST(dmarc_report, may_have_a_namespace_and_prefixes) {
  auto text = feedback(record());
  text.replace(text.find("<feedback>"), 10, "<d:feedback xmlns:d=\"urn:ietf:params:xml:ns:dmarc-2.0\">");
  text.replace(text.find("</feedback>"), 11, "</d:feedback>");
  EXPECT_EQ(why(text), "read");
}

TEST(dmarc_report, leaves_out_rows_that_say_nothing) {
  const auto read = read_dmarc_report(
      feedback(record("not an address") + record("192.0.2.2", "-1") + record("192.0.2.3", "99999999999999999999")));
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->rows.size(), 1u);
  EXPECT_EQ(read->rows[0].messages, report_limits{}.count_max);
}

TEST(dmarc_report, with_entities_of_its_own_is_refused_before_one_is_expanded) {
  std::string entities = "<!ENTITY l0 \"lol\">";
  for (int i = 1; i < 20; ++i)
    entities +=
        fmt::format("<!ENTITY l{0} \"&l{1};&l{1};&l{1};&l{1};&l{1};&l{1};&l{1};&l{1};&l{1};&l{1};\">", i, i - 1);
  EXPECT_THAT(why("<?xml version=\"1.0\"?><!DOCTYPE feedback [" + entities + "]><feedback>&l19;</feedback>"),
              HasSubstr("document type"));
  EXPECT_THAT(why("<!DOCTYPE feedback SYSTEM \"file:///etc/passwd\"><feedback/>"), HasSubstr("document type"));
  EXPECT_THAT(why("<feedback>&file;</feedback>"), HasSubstr("undefined entity"));
}

TEST(dmarc_report, is_bounded_in_depth_rows_and_values) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "<a>";
  EXPECT_THAT(why(deep), HasSubstr("32 deep"));
  EXPECT_EQ(why(feedback(record() + record()), {.rows_max = 2}), "read");
  EXPECT_THAT(why(feedback(record() + record() + record()), {.rows_max = 2}), HasSubstr("more than 2 rows"));
  auto text = feedback(record());
  text.replace(text.find(" provider.test"), 14, std::string(100'000, 'x') + "\xC3\xA9");
  const auto read = read_dmarc_report(text);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->head.reporter, std::string(200, 'x'));
}

TEST(dmarc_report, says_what_it_lacks) {
  EXPECT_THAT(why(""), HasSubstr("no element found"));
  EXPECT_THAT(why("<html></html>"), HasSubstr("root is not <feedback>"));
  EXPECT_THAT(why(feedback("")), HasSubstr("no rows"));
  EXPECT_THAT(why(feedback(record(), "not a domain")), HasSubstr("no domain"));
  EXPECT_THAT(why("<feedback><policy_published><domain>a.test</domain></policy_published></feedback>"),
              HasSubstr("whose it is"));
  const auto whole = feedback(record());
  for (std::size_t i = 0; i < whole.size() - 1; ++i)
    EXPECT_NE(why(whole.substr(0, i)), "read") << i;
}

std::string tls_json(std::string_view policies) {
  return fmt::format(R"({{"organization-name":"Provider","date-range":{{"start-datetime":"2025-11-25T00:00:00Z",)"
                     R"("end-datetime":"2025-11-25T23:59:59Z"}},"report-id":"7","policies":[{}]}})",
                     policies);
}
constexpr std::string_view one_policy =
    R"({"policy":{"policy-type":"sts","policy-domain":"Shop.test"},"summary":{"total-successful-session-count":40,)"
    R"("total-failure-session-count":5},"failure-details":[{"result-type":"certificate-expired","sending-mta-ip":)"
    R"("192.0.2.9","receiving-mx-hostname":"mx.shop.test","receiving-ip":"192.0.2.10","failed-session-count":"3",)"
    R"("failure-reason-code":"long\u0000past"}]})";

TEST(received_tls_report, counts_what_went_well_what_failed_and_what_only_the_summary_knows) {
  const auto read = read_tls_report(tls_json(one_policy));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->head.reporter, "Provider");
  EXPECT_EQ(read->head.end.time_since_epoch(), std::chrono::seconds(1764115199));
  EXPECT_THAT(read->rows, ElementsAre(tls_row{"shop.test", "sts", "success", "", "", "", "", 40},
                                      tls_row{"shop.test", "sts", "certificate-expired", "mx.shop.test", "192.0.2.9",
                                              "192.0.2.10", "long past", 3},
                                      tls_row{"shop.test", "sts", "unspecified", "", "", "", "", 2}));
}

TEST(received_tls_report, says_what_is_wrong_with_it) {
  const auto problem = [](std::string_view json, const report_limits& limits = {}) {
    const auto read = read_tls_report(json, limits);
    return read ? "read" : read.error();
  };
  EXPECT_THAT(problem("{"), HasSubstr("can't be read"));
  EXPECT_THAT(problem("{}"), HasSubstr("no policies"));
  EXPECT_THAT(problem(tls_json("")), HasSubstr("no session"));
  EXPECT_THAT(problem(tls_json("1,[],{\"policy\":1}")), HasSubstr("no session"));
  EXPECT_THAT(problem(tls_json(one_policy), {.rows_max = 2}), HasSubstr("more than 2 rows"));
  EXPECT_THAT(problem(std::string(100'000, '[')), HasSubstr("can't be read"));
  EXPECT_THAT(problem(std::string(3u << 20, ' ')), HasSubstr("more than 2097152 bytes"));
}

std::string mail(std::string_view type, std::string_view content) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string quoted;
  for (const char c : content) {
    const auto byte = static_cast<unsigned char>(c);
    quoted += '=';
    quoted += digits[byte >> 4];
    quoted += digits[byte & 15];
    if (quoted.size() % 72 == 0) quoted += "=\r\n";
  }
  return fmt::format(
      "From: <reports@provider.test>\r\nSubject: Report Domain: shop.test\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHere is <feedback>.\r\n"
      "--b\r\nContent-Type: {}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n--b--\r\n",
      type, quoted);
}

TEST(report_mail, has_the_report_in_whatever_type_its_reporter_calls_it) {
  const auto xml = feedback(record());
  for (const auto& [type, content] :
       std::vector<std::pair<std::string, std::string>>{{"application/gzip", gzipped(xml)},
                                                        {"application/octet-stream; name=r.gz", gzipped(xml)},
                                                        {"application/zip", zipped({xml})},
                                                        {"text/xml", xml},
                                                        {"text/plain", xml}}) {
    const auto read = read_report_mail(mail(type, content));
    ASSERT_TRUE(read) << type << ": " << read.error().why;
    EXPECT_EQ(std::get<dmarc_report>(*read).domain, "shop.test");
  }
  for (const auto* type : {"application/tlsrpt+gzip", "application/gzip"}) {
    const auto read = read_report_mail(mail(type, gzipped(tls_json(one_policy))));
    ASSERT_TRUE(read) << read.error().why;
    EXPECT_EQ(std::get<tls_report>(*read).rows.size(), 3u);
  }
}

TEST(report_mail, tells_a_letter_from_a_report_that_is_broken) {
  for (const auto& letter :
       {mail("text/plain", "hello"), mail("text/html", "<html></html>"), std::string(), mail("image/png", "\x89PNG")}) {
    const auto read = read_report_mail(letter);
    ASSERT_FALSE(read);
    EXPECT_FALSE(read.error().is_one) << letter;
  }
  const auto read = read_report_mail(mail("application/gzip", gzipped(feedback(record())).substr(0, 50)));
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().is_one);
  EXPECT_THAT(read.error().why, HasSubstr("cut off"));
}

}  // namespace
}  // namespace gonets::aggregate
