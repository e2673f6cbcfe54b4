#include "smtp/socks_client.h"

#include <gtest/gtest.h>

namespace gonets::smtp {
namespace {

using namespace std::string_literals;
using phase = socks_client::phase;

const auto asks_192_0_2_1_25 = "\x05\x01\x00\x01\xC0\x00\x02\x01\x00\x19"s;
const auto connected_reply = "\x05\x00\x00\x01\x7F\x00\x00\x01\x12\x34"s;

socks_request to(std::string address, std::string user = "", std::string password = "") {
  return {std::move(user), std::move(password), std::move(address), 25};
}

// Up to where it waits for the reply to its request.
socks_client asking(std::string address = "192.0.2.1") {
  socks_client c(to(std::move(address)));
  (void)c.take_output();
  c.feed("\x05\x00"s);
  return c;
}

TEST(socks_client, connects_without_a_login) {
  socks_client c(to("192.0.2.1"));
  EXPECT_EQ(c.take_output(), "\x05\x01\x00"s);
  EXPECT_EQ(c.take_output(), "");
  c.feed("\x05\x00"s);
  EXPECT_EQ(c.at(), phase::connecting);
  EXPECT_EQ(c.take_output(), asks_192_0_2_1_25);
  c.feed(connected_reply);
  EXPECT_EQ(c.at(), phase::connected);
  EXPECT_EQ(c.rest(), "");
}

TEST(socks_client, logs_in_where_the_proxy_wants_it) {
  socks_client c(to("192.0.2.1", "anna", "secret"));
  EXPECT_EQ(c.take_output(), "\x05\x02\x00\x02"s);
  c.feed("\x05\x02"s);
  EXPECT_EQ(c.at(), phase::login);
  EXPECT_EQ(c.take_output(), "\x01\x04"s + "anna" + "\x06"s + "secret");
  c.feed("\x01\x00"s);
  EXPECT_EQ(c.at(), phase::connecting);
  EXPECT_EQ(c.take_output(), asks_192_0_2_1_25);
}

TEST(socks_client, asks_for_an_ipv6_address) {
  auto c = asking("2001:db8::2");
  EXPECT_EQ(c.take_output(), "\x05\x01\x00\x04"s + "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x02"s + "\x00\x19"s);
}

TEST(socks_client, keeps_what_the_host_says_behind_the_reply) {
  for (const auto& reply : {connected_reply, "\x05\x00\x00\x04"s + std::string(18, 'x'),
                            "\x05\x00\x00\x03\x05"s + "proxy" + "\x00\x01"s, "\x05\x00\x00\x03\x00\x00\x01"s}) {
    auto whole = asking();
    whole.feed(reply + "220 mx\r\n");
    EXPECT_EQ(whole.at(), phase::connected);
    EXPECT_EQ(whole.rest(), "220 mx\r\n");

    auto by_octets = asking();
    for (const char c : reply + "220 mx\r\n")
      by_octets.feed({&c, 1});
    EXPECT_EQ(by_octets.rest(), "220 mx\r\n");
  }
}

TEST(socks_client, says_of_a_refused_connection_that_the_host_is_to_blame) {
  const std::pair<char, std::string> replies[] = {{1, "general failure"},
                                                  {2, "not allowed by its rules"},
                                                  {4, "No route to host"},
                                                  {5, "Connection refused"},
                                                  {8, "it does not know this kind of address"},
                                                  {99, "reply 99"}};
  for (const auto& [reply, meaning] : replies) {
    auto c = asking();
    c.feed("\x05"s + reply);
    EXPECT_EQ(c.at(), phase::failed);
    EXPECT_EQ(c.error(), meaning);
    EXPECT_FALSE(c.proxy_failed());
  }
}

TEST(socks_client, says_of_a_refused_login_that_the_proxy_is_to_blame) {
  socks_client refused(to("192.0.2.1", "anna", "secret"));
  refused.feed("\x05\x02\x01\x01"s);
  EXPECT_EQ(refused.error(), "it refused the login of anna");
  EXPECT_TRUE(refused.proxy_failed());

  socks_client none(to("192.0.2.1"));
  none.feed("\x05\xFF"s);
  EXPECT_EQ(none.error(), "it wants a login");
  socks_client uninvited(to("192.0.2.1"));
  uninvited.feed("\x05\x02"s);
  EXPECT_EQ(uninvited.at(), phase::failed);
  EXPECT_TRUE(uninvited.proxy_failed());
}

TEST(socks_client, notices_what_is_no_socks_proxy) {
  socks_client c(to("192.0.2.1"));
  c.feed("220 mx.example ESMTP\r\n");
  EXPECT_EQ(c.error(), "what answers there does not speak SOCKS 5");
  EXPECT_TRUE(c.proxy_failed());
  for (const auto& reply : {"\x04\x00"s, "\x05\x00\x00\x09\x00\x00"s}) {
    auto later = asking();
    later.feed(reply);
    EXPECT_EQ(later.at(), phase::failed);
    EXPECT_TRUE(later.proxy_failed());
  }
}

TEST(socks_client, blames_whom_it_waited_for_when_the_connection_is_lost) {
  socks_client early(to("192.0.2.1"));
  early.lost("connection closed");
  EXPECT_TRUE(early.proxy_failed());
  EXPECT_EQ(early.error(), "connection closed");
  auto late = asking();
  late.lost("timed out");
  EXPECT_EQ(late.at(), phase::failed);
  EXPECT_FALSE(late.proxy_failed());
  auto over = asking();
  over.feed(connected_reply);
  over.lost("closed");
  EXPECT_EQ(over.at(), phase::connected);
}

TEST(socks_client, says_nothing_more_once_it_failed) {
  socks_client c(to("no address"));
  (void)c.take_output();
  c.feed("\x05\x00"s);
  EXPECT_EQ(c.error(), "no address is no address");
  c.feed("\x05\x00"s);
  EXPECT_EQ(c.take_output(), "");
}

}  // namespace
}  // namespace gonets::smtp
