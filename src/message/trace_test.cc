#include "message/trace.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "message/header_scan.h"

namespace gonets::message {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

constexpr wall_time at = sys_days(year(2026) / 11 / 24) + 3h + 28min + 32s + 999ms;
constexpr message_id queue_id{0x0123456789abcdef};

received_facts facts() {
  return {.helo_name = "client.test",
          .peer_address = "192.0.2.1",
          .by = "mx.gonets.test",
          .with = "ESMTP",
          .for_address = "bob@b.test",
          .id = queue_id,
          .at = at};
}

std::string received(const received_facts& f) {
  std::string text;
  append_received(text, f);
  return text;
}

std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    longest = std::max(longest, end);
    text.remove_prefix(end + 2);
  }
  return longest;
}

// One field, whatever is in it: nothing can have been injected.
void expect_one_field(const std::string& text) {
  int fields = 0;
  for_each_field(text + "\r\n", [&](std::string_view name, std::string_view) {
    EXPECT_EQ(name, "Received");
    return ++fields, true;
  });
  EXPECT_EQ(fields, 1);
  for (std::size_t i = 0; i + 1 < text.size(); ++i)
    EXPECT_EQ(text[i] == '\r', text[i + 1] == '\n') << i;
}

TEST(trace, writes_a_date_in_utc) {
  EXPECT_EQ(format_date(at), "Tue, 24 Nov 2026 03:28:32 +0000");
  EXPECT_EQ(format_date(wall_time{}), "Thu, 01 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(format_date(sys_days(year(2028) / 2 / 29) + 23h + 59min + 59s), "Tue, 29 Feb 2028 23:59:59 +0000");
}

TEST(trace, keeps_four_digits_of_year_for_times_out_of_range) {
  EXPECT_EQ(format_date(wall_time::max()), "Fri, 31 Dec 9999 00:00:00 +0000");
  EXPECT_EQ(format_date(wall_time::min()), "Thu, 01 Jan 1970 00:00:00 +0000");
}

TEST(trace, appends_to_what_is_there) {
  std::string text = "Date: ";
  append_date(text, at);
  EXPECT_EQ(text, "Date: Tue, 24 Nov 2026 03:28:32 +0000");
}

TEST(trace, writes_received_with_its_only_recipient) {
  EXPECT_EQ(received(facts()),
            "Received: from client.test ([192.0.2.1])\r\n"
            "\tby mx.gonets.test (Gonets) with ESMTP id 28T5CY4TQKFF\r\n"
            "\tfor <bob@b.test>; Tue, 24 Nov 2026 03:28:32 +0000\r\n");
}

TEST(trace, writes_received_without_recipient_and_with_tls_and_ipv6) {
  auto f = facts();
  f.peer_address = "2001:db8::1";
  f.with = "ESMTPSA";
  f.tls = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256 bits)";
  f.for_address = {};
  EXPECT_EQ(received(f),
            "Received: from client.test ([IPv6:2001:db8::1])\r\n"
            "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256 bits))\r\n"
            "\tby mx.gonets.test (Gonets) with ESMTPSA id 28T5CY4TQKFF;\r\n"
            "\tTue, 24 Nov 2026 03:28:32 +0000\r\n");
}

TEST(trace, folds_long_names_between_words) {
  auto f = facts();
  f.helo_name = "a-very-long-name-of-a-client.in-a-very-long.department.example.test";
  f.by = "a-very-long-name-of-a-server.example.test";
  f.for_address = "somebody.with.a.long.name@mail.of.a.department.test";
  f.with = "UTF8SMTPSA";
  const auto text = received(f);
  EXPECT_EQ(text,
            "Received: from a-very-long-name-of-a-client.in-a-very-long.department.example.test\r\n"
            "\t([192.0.2.1])\r\n"
            "\tby a-very-long-name-of-a-server.example.test (Gonets) with UTF8SMTPSA\r\n"
            "\tid 28T5CY4TQKFF\r\n"
            "\tfor <somebody.with.a.long.name@mail.of.a.department.test>;\r\n"
            "\tTue, 24 Nov 2026 03:28:32 +0000\r\n");
}

TEST(trace, keeps_lines_within_78_octets_for_every_length_of_host_that_allows_it) {
  for (std::size_t size = 1; size <= 60; ++size) {
    auto f = facts();
    const std::string host(size, 'h');
    f.by = host;
    f.helo_name = host;
    EXPECT_LE(longest_line(received(f)), 78u) << size;
  }
}

TEST(trace, lets_no_client_name_inject_anything) {
  using namespace std::string_view_literals;
  auto f = facts();
  f.helo_name = "a\r\nBcc: evil@e.test\r\n\r\n(\0;\")\\\xff]["sv;
  const auto text = received(f);
  expect_one_field(text);
  EXPECT_TRUE(text.starts_with("Received: from a??Bcc??evil?e.test")) << text;
  EXPECT_EQ(text.find_first_of("(\"\\;\xff"), text.find("([192"));
}

TEST(trace, keeps_an_address_literal_as_client_name) {
  auto f = facts();
  f.helo_name = "[IPv6:2001:db8::1]";
  EXPECT_TRUE(received(f).starts_with("Received: from [IPv6:2001:db8::1] (["));
}

TEST(trace, cuts_an_endless_client_name) {
  auto f = facts();
  const std::string name(5000, 'x');
  f.helo_name = name;
  const auto text = received(f);
  EXPECT_LE(longest_line(text), 15u + 255u);
  expect_one_field(text);
}

TEST(trace, names_a_client_without_name_unknown) {
  auto f = facts();
  f.helo_name = {};
  EXPECT_TRUE(received(f).starts_with("Received: from unknown ([192.0.2.1])\r\n"));
}

TEST(trace, writes_a_message_id_with_all_bits_of_the_random_number) {
  std::string text;
  append_message_id(text, queue_id, 0x00a1, "mx.gonets.test");
  append_message_id(text, queue_id, 0xfedcba9876543210, "mx.gonets.test");
  EXPECT_EQ(text,
            "Message-ID: <28T5CY4TQKFF.00000000000000a1@mx.gonets.test>\r\n"
            "Message-ID: <28T5CY4TQKFF.fedcba9876543210@mx.gonets.test>\r\n");
}

}  // namespace
}  // namespace gonets::message
