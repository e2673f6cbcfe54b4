#include "config/egresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"

namespace gonets::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

settings good(std::string_view text) {
  auto read = parse(text, "f");
  if (!read) ADD_FAILURE() << to_text(read.error().front());
  return read.value_or(settings());
}

std::string refusal(std::string_view text) {
  const auto read = parse(text, "f");
  return read ? "" : to_text(read.error().front());
}

std::vector<std::string> wrong(std::string_view text) {
  std::vector<std::string> all;
  for (const auto& f : check_egresses(good(text)))
    all.push_back(to_text(f));
  return all;
}

TEST(egresses, are_read_with_pools_by_weight_or_in_equal_parts) {
  const auto s = good(R"(
[[egress]]
name = "a"
source_ipv4 = "192.0.2.1"
source_ipv6 = "2001:db8::1"
helo = "a.example.com"
[[egress]]
name = "b"
[[pool]]
name = "bulk"
egresses = { a = 3, b = 1 }
[[pool]]
name = "even"
egresses = ["a", "default"]
[delivery]
egress = "even"
[stream.bulk]
egress = "bulk"
[[route]]
domain = "example.org"
to = "mx"
egress = "b"
)");
  ASSERT_EQ(s.egresses.size(), 2u);
  EXPECT_EQ(s.egresses[0], (egress{"a", "192.0.2.1", "2001:db8::1", "a.example.com", {}}));
  EXPECT_THAT(s.pools[0].members, ElementsAre(pool::member{"a", 3}, pool::member{"b", 1}));
  EXPECT_THAT(s.pools[1].members, ElementsAre(pool::member{"a", 1}, pool::member{"default", 1}));
  EXPECT_EQ(s.stream_named("bulk").egress, "bulk");
  EXPECT_EQ(s.routes[0].egress, "b");
  EXPECT_THAT(check_egresses(s), IsEmpty());
}

TEST(egresses, are_refused_with_values_that_are_none) {
  EXPECT_THAT(refusal("[[egress]]\nname = \"a\"\nsource_ipv4 = \"::1\"\n"), HasSubstr("expected an IPv4 address"));
  EXPECT_THAT(refusal("[[egress]]\nname = \"a\"\nsource_ipv6 = \"host\"\n"), HasSubstr("expected an IPv6 address"));
  EXPECT_THAT(refusal("[[egress]]\nname = \"a\"\nhelo = \"no name\"\n"), HasSubstr("expected a host name"));
  EXPECT_THAT(refusal("[[egress]]\nname = \"A!\"\n"), HasSubstr("expected a name of a to z"));
  EXPECT_THAT(refusal("[[egress]]\nhelo = \"a.example.com\"\n"), HasSubstr("egress[1].name: found nothing"));
  EXPECT_THAT(refusal("[[pool]]\nname = \"p\"\n"), HasSubstr("pool[1].egresses: found nothing"));
  EXPECT_THAT(refusal("[[pool]]\nname = \"p\"\negresses = { a = 0 }\n"), HasSubstr("a whole number from 1"));
  EXPECT_THAT(refusal("[[pool]]\nname = \"p\"\negresses = \"a\"\n"), HasSubstr("expected an array of egresses"));
}

TEST(egresses, must_be_there_where_they_are_named) {
  constexpr auto a = "[[egress]]\nname = \"mail-a\"\n";
  EXPECT_THAT(wrong(std::string(a) + "[delivery]\negress = \"mail-b\"\n"),
              ElementsAre("error: delivery.egress: there is no egress or pool \"mail-b\"; did you mean \"mail-a\"?"));
  EXPECT_THAT(wrong("[stream.bulk]\negress = \"x\"\n"),
              ElementsAre("error: stream.bulk.egress: there is no egress or pool \"x\""));
  EXPECT_THAT(wrong("[[route]]\ndomain = \"*\"\nto = \"mx\"\negress = \"x\"\n"),
              ElementsAre("error: route[1].egress: there is no egress or pool \"x\""));
  EXPECT_THAT(wrong("[[route]]\ndomain = \"*\"\nto = \"capture\"\negress = \"default\"\n"),
              ElementsAre("error: route[1].egress: is of no use for capture"));
  EXPECT_THAT(wrong("[[pool]]\nname = \"p\"\negresses = [\"x\"]\n"),
              ElementsAre("error: pool[1].egresses: there is no egress \"x\""));
}

TEST(egresses, have_names_of_their_own) {
  EXPECT_THAT(wrong("[[egress]]\nname = \"default\"\n"), ElementsAre(HasSubstr("take another name")));
  EXPECT_THAT(wrong("[[egress]]\nname = \"a\"\n[[egress]]\nname = \"a\"\n"),
              ElementsAre("error: egress[2].name: \"a\" is there twice; egresses and pools share their names"));
  EXPECT_THAT(wrong("[[egress]]\nname = \"a\"\n[[pool]]\nname = \"a\"\negresses = [\"a\"]\n"),
              ElementsAre(HasSubstr("is there twice")));
}

TEST(pools, are_neither_empty_nor_nested_nor_name_one_twice) {
  EXPECT_THAT(wrong("[[pool]]\nname = \"p\"\negresses = []\n"),
              ElementsAre("error: pool[1].egresses: is empty: its mail could not leave"));
  EXPECT_THAT(wrong("[[pool]]\nname = \"p\"\negresses = [\"default\"]\n[[pool]]\nname = \"q\"\negresses = "
                    "[\"p\"]\n"),
              ElementsAre("error: pool[2].egresses: \"p\" is a pool: name its egresses"));
  EXPECT_THAT(wrong("[[pool]]\nname = \"p\"\negresses = [\"default\", \"default\"]\n"),
              ElementsAre(HasSubstr("is there twice: give it a weight")));
}

TEST(egresses, take_what_they_leave_out_from_delivery) {
  const auto s =
      good("[delivery]\nhelo = \"mail.example.com\"\nsource_ipv4 = \"192.0.2.9\"\n[[egress]]\nname = \"a\"\n");
  EXPECT_EQ(find_egress(s, "a")->helo, "mail.example.com");
  EXPECT_EQ(find_egress(s, "default")->source_ipv4, "192.0.2.9");
  EXPECT_FALSE(find_egress(s, "b"));
}

TEST(proxies, are_read_with_their_login) {
  const auto p = parse_proxy("socks5://anna:p%40ss%3A@10.0.0.2:1080").value();
  EXPECT_EQ(p.speaks, exit_proxy::protocol::socks5);
  EXPECT_EQ(p.user, "anna");
  EXPECT_EQ(p.password, "p@ss:");
  EXPECT_EQ(p.address, (endpoint{"10.0.0.2", 1080}));
  EXPECT_EQ(proxy_text(p), "socks5://anna:...@10.0.0.2:1080");
  EXPECT_EQ(proxy_text(parse_proxy("haproxy://[2001:db8::2]:25").value()), "haproxy://[2001:db8::2]:25");
  for (const auto* bad : {"", "http://10.0.0.2:1", "socks5://10.0.0.2", "socks5://10.0.0.2:0",
                          "socks5://proxy.test:1080", "socks5://anna@10.0.0.2:1080", "socks5://:x@10.0.0.2:1080",
                          "socks5://a:%0@10.0.0.2:1080", "haproxy://a:b@10.0.0.2:1080"})
    EXPECT_FALSE(parse_proxy(bad)) << bad;
}

TEST(proxies, are_refused_without_telling_their_password) {
  const auto error = refusal("[[egress]]\nname = \"a\"\nproxy = \"socks5://anna:secret@nowhere:1080\"\n");
  EXPECT_THAT(error, HasSubstr("expected \"socks5://10.0.0.2:1080\""));
  EXPECT_EQ(error.find("secret"), std::string::npos);
  EXPECT_THAT(wrong("[[egress]]\nname = \"a\"\nproxy = \"haproxy://10.0.0.2:2525\"\n"),
              ElementsAre("error: egress[1].proxy: is told the source address, and there is no source_ipv4 or "
                          "source_ipv6"));
}

}  // namespace
}  // namespace gonets::config
