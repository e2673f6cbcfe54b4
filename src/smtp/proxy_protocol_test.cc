#include "smtp/proxy_protocol.h"

#include <gtest/gtest.h>

namespace gonets::smtp {
namespace {

using namespace std::string_literals;

// A version 2 header around `rest`.
std::string binary(std::uint8_t command, std::uint8_t family, const std::string& rest) {
  auto text = "\r\n\r\n\0\r\nQUIT\n"s;
  text += static_cast<char>(command);
  text += static_cast<char>(family);
  text += static_cast<char>(rest.size() >> 8);
  text += static_cast<char>(rest.size() & 0xFF);
  return text + rest;
}

const auto four = "\xC0\x00\x02\x01\xC6\x33\x64\x02\x30\x39\x00\x19"s;

proxy_error error_of(std::string_view in) {
  const auto parsed = parse_proxy_header(in);
  return parsed ? proxy_error{255} : parsed.error();
}

TEST(proxy_protocol, reads_a_text_header_with_ipv4_addresses) {
  const auto h = parse_proxy_header("PROXY TCP4 192.0.2.1 198.51.100.2 12345 25\r\nEHLO x\r\n");
  ASSERT_TRUE(h);
  EXPECT_FALSE(h->local);
  EXPECT_EQ(h->source_address, "192.0.2.1");
  EXPECT_EQ(h->source_port, 12345);
  EXPECT_EQ(h->destination_address, "198.51.100.2");
  EXPECT_EQ(h->destination_port, 25);
  EXPECT_EQ(h->header_bytes, 44u);
}

TEST(proxy_protocol, spells_ipv6_addresses_canonically) {
  const auto h = parse_proxy_header("PROXY TCP6 2001:0DB8:0:0:0:0:0:1 ::1 1 65535\r\n");
  ASSERT_TRUE(h);
  EXPECT_EQ(h->source_address, "2001:db8::1");
  EXPECT_EQ(h->destination_address, "::1");
  EXPECT_EQ(h->destination_port, 65535);
}

TEST(proxy_protocol, takes_an_unknown_text_header_for_local_whatever_follows) {
  for (const auto* text : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff:: :: 1 x\r\n"}) {
    const auto h = parse_proxy_header(text);
    ASSERT_TRUE(h) << text;
    EXPECT_TRUE(h->local);
    EXPECT_EQ(h->header_bytes, std::string_view(text).size());
  }
}

TEST(proxy_protocol, refuses_malformed_text_headers) {
  for (const auto* text : {
           "PROXY TCP4 192.0.2.1 198.51.100.2 12345\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 12345 25 9\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 12345 25 \r\n",
           "PROXY TCP4  192.0.2.1 198.51.100.2 12345 25\r\n",
           "PROXY TCP4 192.0.2.256 198.51.100.2 12345 25\r\n",
           "PROXY TCP4 ::1 ::1 12345 25\r\n",
           "PROXY TCP6 192.0.2.1 198.51.100.2 12345 25\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 -1 25\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 012 25\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.2 1 \r\n",
           "PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n",
           "PROXY UNKNOWNX\r\n",
           "PROXY \r\n",
           "EHLO client\r\n",
           "PROXX",
           "\r\n\r\nx",
       }) {
    EXPECT_EQ(error_of(text), proxy_error::malformed) << text;
  }
}

TEST(proxy_protocol, refuses_a_text_header_of_more_than_107_bytes) {
  const auto begin = "PROXY UNKNOWN "s;
  const auto longest = begin + std::string(105 - begin.size(), 'x') + "\r\n";
  ASSERT_EQ(longest.size(), 107u);
  EXPECT_TRUE(parse_proxy_header(longest));
  EXPECT_EQ(error_of(begin + std::string(106 - begin.size(), 'x') + "\r\n"), proxy_error::malformed);
  EXPECT_EQ(error_of(begin + std::string(200, 'x')), proxy_error::malformed);
}

TEST(proxy_protocol, reads_a_binary_header_with_ipv4_addresses_and_skips_tlvs) {
  const auto h = parse_proxy_header(binary(0x21, 0x11, four + "\x04\x00\x02hi"s) + "EHLO x\r\n");
  ASSERT_TRUE(h);
  EXPECT_FALSE(h->local);
  EXPECT_EQ(h->source_address, "192.0.2.1");
  EXPECT_EQ(h->source_port, 12345);
  EXPECT_EQ(h->destination_address, "198.51.100.2");
  EXPECT_EQ(h->destination_port, 25);
  EXPECT_EQ(h->header_bytes, 16u + 12u + 5u);
}

TEST(proxy_protocol, reads_a_binary_header_with_ipv6_addresses) {
  const auto source = "\x20\x01\x0D\xB8"s + std::string(11, '\0') + "\x07";
  const auto h = parse_proxy_header(binary(0x21, 0x21, source + source + "\x00\x01\xFF\xFF"s));
  ASSERT_TRUE(h);
  EXPECT_EQ(h->source_address, "2001:db8::7");
  EXPECT_EQ(h->source_port, 1);
  EXPECT_EQ(h->destination_port, 65535);
}

TEST(proxy_protocol, takes_local_unspecified_and_unix_binary_headers_for_local) {
  for (const auto& text : {binary(0x20, 0x00, ""), binary(0x20, 0x11, four), binary(0x21, 0x00, "abc"),
                           binary(0x21, 0x31, std::string(216, 'x'))}) {
    const auto h = parse_proxy_header(text);
    ASSERT_TRUE(h);
    EXPECT_TRUE(h->local);
    EXPECT_EQ(h->header_bytes, text.size());
  }
}

TEST(proxy_protocol, refuses_malformed_binary_headers) {
  EXPECT_EQ(error_of(binary(0x22, 0x11, four)), proxy_error::malformed);            // command
  EXPECT_EQ(error_of(binary(0x11, 0x11, four)), proxy_error::malformed);            // version
  EXPECT_EQ(error_of(binary(0x21, 0x12, four)), proxy_error::malformed);            // datagram
  EXPECT_EQ(error_of(binary(0x21, 0x41, four)), proxy_error::malformed);            // family
  EXPECT_EQ(error_of(binary(0x21, 0x11, four.substr(1))), proxy_error::malformed);  // no room for the addresses
  EXPECT_EQ(error_of(binary(0x21, 0x21, four)), proxy_error::malformed);
  EXPECT_EQ(error_of(binary(0x21, 0x11, std::string(1025, 'x'))), proxy_error::malformed);
  EXPECT_TRUE(parse_proxy_header(binary(0x21, 0x11, std::string(1024, 'x'))));
}

TEST(proxy_protocol, asks_for_more_at_every_cut_of_a_good_header) {
  for (const auto& text : {binary(0x21, 0x11, four + "\x04\x00\x02hi"s), binary(0x20, 0x00, ""),
                           "PROXY TCP4 192.0.2.1 198.51.100.2 12345 25\r\n"s, "PROXY UNKNOWN\r\n"s}) {
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
      EXPECT_EQ(error_of(std::string_view(text).substr(0, cut)), proxy_error::need_more) << cut << " of " << text;
    }
    EXPECT_TRUE(parse_proxy_header(text));
  }
}

TEST(proxy_protocol, writes_a_header_that_it_reads_back) {
  EXPECT_EQ(make_proxy_header("192.0.2.1", 12345, "198.51.100.2", 25), binary(0x21, 0x11, four));
  for (const auto& [source, destination] : {std::pair{"192.0.2.1", "198.51.100.2"}, {"2001:db8::1", "::1"}}) {
    const auto h = parse_proxy_header(make_proxy_header(source, 40000, destination, 25) + "220 mx\r\n");
    ASSERT_TRUE(h);
    EXPECT_FALSE(h->local);
    EXPECT_EQ(h->source_address, source);
    EXPECT_EQ(h->source_port, 40000);
    EXPECT_EQ(h->destination_address, destination);
    EXPECT_EQ(h->destination_port, 25);
  }
}

TEST(proxy_protocol, writes_nothing_for_addresses_that_do_not_go_together) {
  EXPECT_EQ(make_proxy_header("192.0.2.1", 1, "::1", 25), "");
  EXPECT_EQ(make_proxy_header("", 1, "192.0.2.1", 25), "");
  EXPECT_EQ(make_proxy_header("192.0.2.1", 1, "mx.example", 25), "");
}

}  // namespace
}  // namespace gonets::smtp
