#include "message/address.h"

#include <gtest/gtest.h>

#include "message/utf8.h"

namespace gonets::message {
namespace {

std::string text_of(std::string_view text, bool utf8 = false) {
  const auto parsed = parse_address(text, utf8);
  return parsed ? parsed->text : std::string("refused: ") + std::string(to_text(parsed.error()));
}

address_error error_of(std::string_view text, bool utf8 = false) {
  const auto parsed = parse_address(text, utf8);
  return parsed ? address_error::none : parsed.error();
}

std::string labels(std::size_t length) {
  std::string text;
  while (text.size() < length)
    text += text.size() % 60 == 59 ? '.' : 'a';
  if (text.back() == '.') text.back() = 'a';
  return text;
}

TEST(address, splits_at_the_domain) {
  const auto a = parse_address("Joe.Doe+tag@Example.COM", false);
  ASSERT_TRUE(a);
  EXPECT_EQ(a->text, "Joe.Doe+tag@example.com");
  EXPECT_EQ(a->local_part(), "Joe.Doe+tag");
  EXPECT_EQ(a->domain(), "example.com");
  EXPECT_FALSE(a->has_domain_literal());
}

TEST(address, accepts_every_form_of_local_part) {
  for (const auto* text : {"a@b", "!#$%&'*+-/=?^_`{|}~@b.example", R"("a b"@b.example)", R"("a@b"@c.example)",
                           R"("a\"b\\c\>"@c.example)", R"(""@c.example)",
                           R"("..")"
                           "@c.example"}) {
    EXPECT_EQ(text_of(text), text);
  }
}

TEST(address, refuses_malformed_local_parts) {
  for (const auto* text : {"",
                           "@",
                           "@b.example",
                           "a",
                           "postmaster",
                           ".a@b.example",
                           "a.@b.example",
                           "a..b@b.example",
                           "a b@b.example",
                           "a,b@b.example",
                           "a@b@c.example",
                           "<a@b.example>",
                           R"("a@b.example)",
                           R"("a"b@c.example)",
                           R"(a"b"@c.example)",
                           R"("a)",
                           R"("a\)",
                           R"("a\"@b.example)",
                           "\"a\tb\"@c.example",
                           "\"a\\\x01\"@c.example",
                           "a\x7f@b.example",
                           "(x)a@b.example"}) {
    EXPECT_EQ(error_of(text), address_error::syntax) << text;
  }
  EXPECT_EQ(error_of(std::string_view("a\0b@c.example", 13)), address_error::syntax);
}

TEST(address, accepts_domains_as_they_occur) {
  for (const auto* text : {"a@localhost", "a@1.2.3.4.example", "a@xn--e1afmkfd.xn--p1ai", "a@_dmarc.x_y.example",
                           "a@a-b.example", "a@3com.example"}) {
    EXPECT_EQ(text_of(text), text);
  }
}

TEST(address, refuses_malformed_domains) {
  for (const auto* text : {"a@", "a@b.example.", "a@.b", "a@b..c", "a@-b.example", "a@b-.example", "a@b!c", "a@b c",
                           "a@b.example ", "a@b/c.example", "a@b:25"}) {
    EXPECT_EQ(error_of(text), address_error::syntax) << text;
  }
}

TEST(address, accepts_address_literals) {
  EXPECT_EQ(text_of("a@[192.0.2.1]"), "a@[192.0.2.1]");
  EXPECT_EQ(text_of("a@[ipv6:2001:DB8::1]"), "a@[IPv6:2001:db8::1]");
  EXPECT_EQ(text_of("a@[IPv6:::ffff:192.0.2.1]"), "a@[IPv6:::ffff:192.0.2.1]");
  EXPECT_TRUE(parse_address("a@[192.0.2.1]", false)->has_domain_literal());
}

TEST(address, refuses_malformed_address_literals) {
  for (const auto* text :
       {"a@[", "a@]", "a@[]", "a@[192.0.2.1", "a@[192.0.2.256]", "a@[192.0.2]", "a@[192.0.2.1.5]", "a@[::1]",
        "a@[IPv6:]", "a@[IPv6:1]", "a@[IPv6:192.0.2.1]", "a@[IPv6:fe80::1%eth0]", "a@[x-tag:abc]", "a@[192.0.2.1].b",
        "a@[192.0.2.1]]", "a@[IPv6:1111111111111111111111111111111111111111111111111]"}) {
    EXPECT_EQ(error_of(text), address_error::syntax) << text;
  }
  EXPECT_EQ(error_of(std::string_view("a@[192.0.2.1\0]", 14)), address_error::syntax);
}

TEST(address, keeps_to_the_limits_of_rfc_5321) {
  EXPECT_EQ(error_of(std::string(64, 'a') + "@b.example"), address_error::none);
  EXPECT_EQ(error_of(std::string(65, 'a') + "@b.example"), address_error::local_part_too_long);
  EXPECT_EQ(error_of("a@" + std::string(63, 'b') + ".example"), address_error::none);
  EXPECT_EQ(error_of("a@" + std::string(64, 'b') + ".example"), address_error::domain_too_long);
  EXPECT_EQ(error_of("a@" + labels(252)), address_error::none);
  EXPECT_EQ(error_of("a@" + labels(253)), address_error::path_too_long);
  EXPECT_EQ(error_of("a@" + labels(255)), address_error::path_too_long);
  EXPECT_EQ(error_of("a@" + labels(256)), address_error::domain_too_long);
}

TEST(address, accepts_utf8_only_where_it_was_asked_for) {
  const std::string text = "Почта@Пример.РФ.Example";
  EXPECT_EQ(error_of(text), address_error::non_ascii);
  EXPECT_EQ(text_of(text, true), "Почта@Пример.РФ.example");
  EXPECT_EQ(text_of("\"é x\"@b.example", true), "\"é x\"@b.example");
  EXPECT_EQ(text_of("a@b.example", true), "a@b.example");
}

TEST(address, refuses_invalid_utf8_and_c1_controls) {
  for (const auto* text : {"\xC3@b.example", "a\x80@b.example", "a@\xE2\x82.example", "\xC0\xAF@b.example",
                           "a\xC2\x9B@b.example", "a@b\xC2\x80.example", "\"\\\xC3\xA9\"@b.example"}) {
    EXPECT_EQ(error_of(text, true), address_error::syntax) << text;
  }
}

TEST(address, finds_the_domain_of_a_stored_address) {
  EXPECT_EQ(domain_of("a@b.example"), "b.example");
  EXPECT_EQ(domain_of(R"("x@y"@b.example)"), "b.example");
  EXPECT_EQ(domain_of(""), "");
}

TEST(address, has_a_sentence_for_each_error) {
  for (int e = 0; e <= static_cast<int>(address_error::non_ascii); ++e) {
    EXPECT_FALSE(to_text(static_cast<address_error>(e)).empty());
  }
}

TEST(utf8, knows_the_borders_of_each_length) {
  for (const auto* text : {"", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_valid_utf8(text));
  }
  for (const auto* text :
       {"\x80", "\xBF", "\xC1\xBF", "\xC2", "\xC2\x7F", "\xC2\xC0", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE1\x80",
        "\xE1\x80\x7F", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF1\x80\x80", "\xFF"}) {
    EXPECT_FALSE(is_valid_utf8(text));
  }
}

}  // namespace
}  // namespace gonets::message
