#include "intake/track.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"

namespace gonets::intake {
namespace {
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view base = "https://mail.test";
const message::tracked_addresses addresses(message::verp_signer::key{});

std::string html_message(std::string_view html, std::string_view encoding = "8bit") {
  return "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: " +
         std::string(encoding) + "\r\n\r\n" + std::string(html);
}

spool::queued_message made(std::string text) {
  spool::queued_message m;
  m.id = message_id{7};
  m.head = "Received: x\r\n";
  m.body = std::move(text);
  m.body_bytes = m.head.size() + m.body.size();
  m.in_memory = m.ends_in_crlf = true;
  return m;
}

TEST(put_addresses, leads_links_and_the_picture_through_this_server) {
  auto m = made(html_message("<a href=\"https://shop.test/?a=1&amp;b=2\">x</a>\r\n"));
  const message::verp who{m.id, recipient_index{0}};
  EXPECT_TRUE(put_addresses(m, {.opens = true, .clicks = true}, addresses, base));
  EXPECT_THAT(m.body, HasSubstr("<a href=\"" + addresses.link(base, who, "https://shop.test/?a=1&b=2") + "\">x</a>"));
  EXPECT_THAT(m.body, HasSubstr("src=\"" + addresses.picture(base, who) + "\""));
  EXPECT_EQ(m.body_bytes, m.head.size() + m.body.size());
}

TEST(put_addresses, does_what_is_wished_and_no_more) {
  const auto text = html_message("<a href=\"https://shop.test/\">x</a>\r\n");
  auto m = made(text);
  EXPECT_TRUE(put_addresses(m, {.opens = true}, addresses, base));
  EXPECT_THAT(m.body, HasSubstr("href=\"https://shop.test/\""));
  m = made(text);
  EXPECT_TRUE(put_addresses(m, {.clicks = true}, addresses, base));
  EXPECT_THAT(m.body, Not(HasSubstr("/o/")));
}

// Such as the page that unsubscribes.
TEST(put_addresses, leaves_links_to_this_server_as_they_are) {
  auto m = made(html_message("<a href=\"https://mail.test/u/x\">x</a>\r\n"));
  const auto before = m.body;
  EXPECT_FALSE(put_addresses(m, {.clicks = true}, addresses, base));
  EXPECT_EQ(m.body, before);
}

TEST(put_addresses, leaves_a_message_without_html_as_it_is) {
  for (const auto* text : {"Subject: x\r\n\r\nhttps://shop.test/\r\n", "Subject: x\r\n", "Subject: x\r\n\r\n", ""}) {
    auto m = made(text);
    EXPECT_FALSE(put_addresses(m, {.opens = true, .clicks = true}, addresses, base)) << text;
    EXPECT_EQ(m.body, text);
    EXPECT_EQ(m.body_bytes, m.head.size() + m.body.size());
  }
}

TEST(put_addresses, leaves_a_message_that_its_sender_has_signed_as_it_is) {
  for (const auto* field : {"DKIM-Signature: v=1; a=rsa-sha256\r\n", "content-md5: Q2hlY2s=\r\n"}) {
    auto m = made(field + html_message("<a href=\"http://a.test/\">x</a>\r\n"));
    EXPECT_FALSE(put_addresses(m, {.opens = true, .clicks = true}, addresses, base)) << field;
  }
}

// As after a reload that took the URL away.
TEST(put_addresses, puts_nothing_in_where_nothing_leads_here) {
  auto m = made(html_message("<a href=\"http://a.test/\">x</a>\r\n"));
  EXPECT_FALSE(put_addresses(m, {.opens = true, .clicks = true}, addresses, ""));
}

// What delivery needs to know of the body may have changed with it.
TEST(put_addresses, sees_whether_a_line_begins_with_a_dot_and_how_the_last_one_ends) {
  auto dotted = made(html_message("<p>x</p>\r\n.<a href=\"http://a.test\">y</a>"));
  dotted.ends_in_crlf = false;
  EXPECT_TRUE(put_addresses(dotted, {.clicks = true}, addresses, base));
  EXPECT_TRUE(dotted.has_leading_dot);
  EXPECT_FALSE(dotted.ends_in_crlf);
  auto encoded = made(html_message(encode_base64("<p>x</p>\r\n.<a href=\"http://a.test\">y</a>") + "\r\n", "base64"));
  EXPECT_TRUE(put_addresses(encoded, {.clicks = true}, addresses, base));
  EXPECT_FALSE(encoded.has_leading_dot);
  EXPECT_TRUE(encoded.ends_in_crlf);
}

}  // namespace
}  // namespace gonets::intake
