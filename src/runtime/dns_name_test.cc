#include "runtime/dns_name.h"

#include <gtest/gtest.h>

#include <vector>

namespace gonets::runtime {
namespace {

std::optional<std::string> read_wire(std::string_view octets) {
  const std::vector<std::uint8_t> wire(octets.begin(), octets.end());
  return name_from_wire(wire);
}

TEST(dns_name, lowers_case_and_drops_the_trailing_dot) {
  EXPECT_EQ(to_a_labels("Mail.Example.ORG."), "mail.example.org");
  EXPECT_EQ(to_a_labels("_dmarc.example.org"), "_dmarc.example.org");
}

TEST(dns_name, turns_u_labels_into_a_labels) {
  EXPECT_EQ(to_a_labels("почта.рф"), "xn--80a1acny.xn--p1ai");
  EXPECT_EQ(to_a_labels("Bücher.Example"), "xn--bcher-kva.example");
  EXPECT_EQ(to_a_labels("straße.example"), "xn--strae-oqa.example");  // not transitional: no "ss"
}

TEST(dns_name, turns_a_labels_into_u_labels) {
  EXPECT_EQ(to_u_labels("xn--bcher-kva.test"), "b\u00fccher.test");
  EXPECT_EQ(to_u_labels("plain.test"), std::nullopt);
  EXPECT_EQ(to_u_labels("xn--.test"), std::nullopt);
  EXPECT_EQ(to_u_labels(std::string("xn--bcher-kva\0.test", 19)), std::nullopt);
}

TEST(dns_name, refuses_what_is_no_name) {
  for (const std::string_view bad :
       {"", ".", "a..b", ".a", "a b", "a\\046b", "a/b", "[192.0.2.1]", "\xff\xfe.example"}) {
    EXPECT_EQ(to_a_labels(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(to_a_labels(std::string_view("почта\0.рф", 14)), std::nullopt);
}

TEST(dns_name, refuses_long_labels_and_long_names) {
  EXPECT_TRUE(to_a_labels(std::string(63, 'a') + ".b"));
  EXPECT_FALSE(to_a_labels(std::string(64, 'a') + ".b"));
  std::string name;
  while (name.size() < 252)
    name += "a.";
  EXPECT_TRUE(to_a_labels(name + "b"));
  EXPECT_FALSE(to_a_labels(name + "bb"));
}

TEST(dns_name, reads_a_name_from_rdata) {
  using namespace std::string_view_literals;
  EXPECT_EQ(read_wire("\x02MX\x07"
                      "example\0"sv),
            "mx.example");
  EXPECT_EQ(read_wire("\0"sv), "");
}

TEST(dns_name, escapes_what_a_host_name_cannot_hold) {
  using namespace std::string_view_literals;
  EXPECT_EQ(read_wire("\x03"
                      "a.b\x01"
                      "c\0"sv),
            "a\\046b.c");
}

TEST(dns_name, refuses_rdata_that_ends_early_or_is_compressed) {
  using namespace std::string_view_literals;
  EXPECT_EQ(read_wire(""sv), std::nullopt);
  EXPECT_EQ(read_wire("\x02MX"sv), std::nullopt);
  EXPECT_EQ(read_wire("\x05MX\0"sv), std::nullopt);
  EXPECT_EQ(read_wire("\xc0\x0c"sv), std::nullopt);
}

}  // namespace
}  // namespace gonets::runtime
