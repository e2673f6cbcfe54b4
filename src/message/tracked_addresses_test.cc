#include "message/tracked_addresses.h"

#include <gtest/gtest.h>

#include <vector>

namespace gonets::message {
namespace {

constexpr std::string_view base = "https://mail.test";
constexpr std::string_view shop = "https://shop.test/sale?a=1&b=\xc3\xa4#top";
const verp some{message_id{0x123456789abcdef}, recipient_index{3}};

tracked_addresses made(std::uint8_t seed = 1) {
  verp_signer::key k{};
  k[0] = seed;
  return tracked_addresses(k);
}

std::string path_of(const std::string& address) {
  EXPECT_TRUE(address.starts_with(base)) << address;
  return address.substr(base.size());
}

TEST(tracked_addresses, tell_who_came_and_for_what) {
  EXPECT_EQ(made().read(path_of(made().picture(base, some))), (visit{some, ""}));
  EXPECT_EQ(made().read(path_of(made().link(base, some, shop))), (visit{some, std::string(shop)}));
  for (std::size_t n = 1; n < 8; ++n) {
    const auto url = "http://a.test/" + std::string(n, '?');
    EXPECT_EQ(made().read(path_of(made().link(base, some, url))), (visit{some, url}));
  }
}

// They stand in messages out there for years.
TEST(tracked_addresses, have_the_form_that_they_always_had) {
  EXPECT_EQ(made().picture(base, some), "https://mail.test/o/28t5cy4tqkff-3-ta32qq3ke8w9");
  EXPECT_EQ(made().link(base, some, "https://shop.test/?a=1"),
            "https://mail.test/c/28t5cy4tqkff-3-8znfr9q7hwfm/aHR0cHM6Ly9zaG9wLnRlc3QvP2E9MQ");
}

TEST(tracked_addresses, are_of_characters_that_need_no_encoding) {
  const auto link = path_of(made().link(base, some, std::string(shop) + "\xff\xfe>>>???"));
  EXPECT_EQ(link.find_first_not_of("/-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), link.npos);
}

TEST(tracked_addresses, stand_under_a_base_with_or_without_a_slash) {
  EXPECT_EQ(made().picture("https://mail.test/gonets/", some), made().picture("https://mail.test/gonets", some));
}

TEST(tracked_addresses, lead_nowhere_but_where_the_sender_wanted) {
  const auto link = path_of(made().link(base, some, shop)),
             other = path_of(made().link(base, some, "http://evil.test"));
  const auto token = link.substr(0, link.rfind('/'));
  EXPECT_FALSE(made().read(token + other.substr(other.rfind('/'))));
  EXPECT_FALSE(made(2).read(link));
  for (const auto& wrong : std::vector<std::string>{token, token + "/", link + "A", link + "=", link + "/", "/c/",
                                                    "/o/", "/c", "/x" + link, ""})
    EXPECT_FALSE(made().read(wrong)) << wrong;
}

TEST(tracked_addresses, of_a_picture_and_of_links_are_not_exchanged) {
  const auto token = path_of(made().picture(base, some)).substr(3);
  EXPECT_FALSE(made().read("/c/" + token + "/aHR0cDovL2EudGVzdA"));
  const auto link = path_of(made().link(base, some, shop)).substr(3);
  EXPECT_FALSE(made().read("/o/" + link.substr(0, link.find('/'))));
}

}  // namespace
}  // namespace gonets::message
