#include "message/header_scan.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace gonets::message {
namespace {

header_summary scan(std::string_view text, const header_limits& limits = {}) {
  const auto found = scan_header(text, limits);
  EXPECT_TRUE(found.has_value());
  return found.value_or(header_summary{});
}

std::vector<std::pair<std::string, std::string>> fields_of(std::string_view header) {
  std::vector<std::pair<std::string, std::string>> found;
  for_each_field(header, [&](std::string_view name, std::string_view value) {
    found.emplace_back(name, value);
    return true;
  });
  return found;
}

TEST(header_scan, finds_the_fields_that_intake_needs) {
  const std::string header =
      "Received: from a\r\n\tby b; date\r\n"
      "Received: from c by d; date\r\n"
      "From: Ann <ann@a.test>\r\n"
      "Sender: robot@a.test\r\n"
      "To: bob@b.test\r\n"
      "Subject: hello\r\n"
      "Date: Tue, 24 Nov 2026 03:28:32 +0000\r\n"
      "Message-ID: <1@a.test>\r\n"
      "Feedback-ID: 1:2:3:a\r\n"
      "List-Unsubscribe: <https://a.test/u>\r\n"
      "TLS-Required: No\r\n";
  const std::string text = header + "\r\nbody\r\n";
  const auto s = scan(text);
  EXPECT_EQ(s.header_bytes, header.size());
  EXPECT_EQ(s.fields, 11u);
  EXPECT_EQ(s.received, 2u);
  EXPECT_EQ(s.from, "Ann <ann@a.test>");
  EXPECT_EQ(s.from_fields, 1u);
  EXPECT_EQ(s.sender, "robot@a.test");
  EXPECT_EQ(s.to, "bob@b.test");
  EXPECT_EQ(s.subject, "hello");
  EXPECT_EQ(s.date, "Tue, 24 Nov 2026 03:28:32 +0000");
  EXPECT_EQ(s.message_id, "<1@a.test>");
  EXPECT_EQ(s.feedback_id, "1:2:3:a");
  EXPECT_EQ(s.list_unsubscribe, "<https://a.test/u>");
  EXPECT_TRUE(s.unsubscribes);
  EXPECT_EQ(s.tls_required, "No");
  EXPECT_TRUE(s.has_body);
}

TEST(header_scan, sees_either_field_that_unsubscribes_be_it_empty) {
  EXPECT_TRUE(scan("List-Unsubscribe:\r\n\r\n").unsubscribes);
  EXPECT_TRUE(scan("LIST-unsubscribe-Post: x\r\n\r\n").unsubscribes);
  EXPECT_FALSE(scan("List-Unsubscribed: x\r\nList-Unsubscribe-Past: x\r\n\r\n").unsubscribes);
}

TEST(header_scan, compares_names_without_case) {
  const auto s = scan("fRoM: a\r\nMESSAGE-id: b\r\nRECEIVED: c\r\n\r\n");
  EXPECT_EQ(s.from, "a");
  EXPECT_EQ(s.message_id, "b");
  EXPECT_EQ(s.received, 1u);
}

TEST(header_scan, tells_names_of_equal_length_apart) {
  const auto s = scan("Form: a\r\nDite: b\r\nReceivex: c\r\nMessage_ID: d\r\nTx: e\r\n\r\n");
  EXPECT_EQ(s.fields, 5u);
  EXPECT_EQ(s.from_fields, 0u);
  EXPECT_EQ(s.received, 0u);
  EXPECT_TRUE(s.from.empty() && s.date.empty() && s.message_id.empty() && s.to.empty());
}

TEST(header_scan, keeps_the_folds_inside_a_value_and_trims_around_it) {
  const auto s = scan("Subject:\r\n  one\r\n\ttwo \t\r\nTo:x\r\n\r\n");
  EXPECT_EQ(s.subject, "one\r\n\ttwo");
  EXPECT_EQ(s.to, "x");
}

TEST(header_scan, takes_a_line_of_blanks_for_a_continuation) {
  const auto s = scan("Subject: one\r\n \r\nTo: x\r\n\r\n");
  EXPECT_EQ(s.subject, "one");
  EXPECT_EQ(s.to, "x");
}

TEST(header_scan, allows_blanks_before_the_colon) {
  EXPECT_EQ(scan("From \t: a\r\n\r\n").from, "a");
}

TEST(header_scan, keeps_the_first_of_repeated_fields_and_counts_from) {
  const auto s = scan("From: a\r\nSubject:\r\nFrom: b\r\nSubject: late\r\n\r\n");
  EXPECT_EQ(s.from, "a");
  EXPECT_EQ(s.from_fields, 2u);
  EXPECT_EQ(s.subject, "");
}

TEST(header_scan, finds_no_header_in_an_empty_message) {
  const auto s = scan("");
  EXPECT_EQ(s.header_bytes, 0u);
  EXPECT_FALSE(s.has_body);
}

TEST(header_scan, finds_an_empty_header_before_an_empty_line) {
  const auto s = scan("\r\nFrom: a\r\n");
  EXPECT_EQ(s.header_bytes, 0u);
  EXPECT_EQ(s.fields, 0u);
  EXPECT_TRUE(s.has_body);
}

TEST(header_scan, ends_the_header_at_a_line_that_is_no_field) {
  for (const std::string_view body :
       {"Hello there\r\n", "Dear Ann: hi\r\n", ": x\r\n", "no\xc3\xafve: x\r\n", "word"}) {
    const auto s = scan("From: a\r\n" + std::string(body) + "\r\nTo: b\r\n");
    EXPECT_EQ(s.header_bytes, 9u) << body;
    EXPECT_EQ(s.to, "") << body;
    EXPECT_FALSE(s.has_body) << body;
  }
}

TEST(header_scan, ends_the_header_at_a_continuation_of_nothing) {
  const auto s = scan(" x\r\nFrom: a\r\n\r\n");
  EXPECT_EQ(s.header_bytes, 0u);
  EXPECT_EQ(s.fields, 0u);
}

TEST(header_scan, accepts_a_last_field_without_line_end) {
  const auto s = scan("From: a\r\nTo: b");
  EXPECT_EQ(s.to, "b");
  EXPECT_EQ(s.header_bytes, 14u);
  EXPECT_FALSE(s.has_body);
}

TEST(header_scan, ends_a_line_at_a_bare_lf) {
  const auto s = scan("Subject: x\nFrom: a\n\nTo: b\n");
  EXPECT_EQ(s.subject, "x");
  EXPECT_EQ(s.from, "a");
  EXPECT_TRUE(s.has_body);
  EXPECT_EQ(s.to, "");
}

TEST(header_scan, survives_nul_and_bare_cr) {
  using namespace std::string_view_literals;
  const auto s = scan("Subject: a\0b\rFrom: c\r\n\r\n"sv);
  EXPECT_EQ(s.subject, "a\0b\rFrom: c"sv);
  EXPECT_EQ(s.from_fields, 0u);
}

TEST(header_scan, refuses_one_hop_too_many) {
  std::string header = "received: a\r\n";
  header += header;
  EXPECT_EQ(scan(header, {.hops_max = 2}).received, 2u);
  EXPECT_EQ(scan_header(header + "Received: b\r\n", {.hops_max = 2}).error(), header_error::loop);
}

TEST(header_scan, refuses_one_field_too_many) {
  EXPECT_EQ(scan("A: b\r\nC: d\r\n\r\n", {.fields_max = 2}).fields, 2u);
  EXPECT_EQ(scan_header("A: b\r\nC: d\r\nE: f\r\n\r\n", {.fields_max = 2}).error(), header_error::too_many_fields);
}

// With any amount of the text after the limit given, the verdict is the same.
TEST(header_scan, refuses_a_header_one_byte_over_the_limit) {
  const std::string header = "Subject: abc\r\nTo: b\r\n";
  for (const std::string_view rest : {"\r\n", "\r\nbody", "\r\nbody and more of it"}) {
    EXPECT_EQ(scan(header + std::string(rest), {.header_bytes_max = header.size()}).header_bytes, header.size());
    EXPECT_EQ(scan_header(header + std::string(rest), {.header_bytes_max = header.size() - 1}).error(),
              header_error::too_large);
  }
}

TEST(header_scan, refuses_a_header_whose_name_passes_the_limit) {
  EXPECT_EQ(scan_header("A: b\r\nA-name-that-goes-on: c\r\n\r\n", {.header_bytes_max = 8}).error(),
            header_error::too_large);
}

TEST(header_scan, accepts_a_long_body_line_after_a_header_near_the_limit) {
  EXPECT_EQ(scan("A: b\r\nno field, and much longer than that\r\n", {.header_bytes_max = 8}).header_bytes, 6u);
}

TEST(header_scan, visits_fields_with_folded_untrimmed_values) {
  const auto found = fields_of("A: b\r\n c \r\nD:\r\nE :f\r\n\r\nG: h\r\n");
  const std::vector<std::pair<std::string, std::string>> expected = {{"A", " b\r\n c "}, {"D", ""}, {"E", "f"}};
  EXPECT_EQ(found, expected);
}

TEST(header_scan, stops_visiting_when_told) {
  int visits = 0;
  for_each_field("A: b\r\nC: d\r\n", [&](auto, auto) { return ++visits == 0; });
  EXPECT_EQ(visits, 1);
}

TEST(header_scan, trims_a_value_of_blanks_only_to_nothing) {
  EXPECT_EQ(trim_field_value(" \t\r\n "), "");
}

TEST(header_scan, folds_only_letters_in_names) {
  EXPECT_TRUE(same_field_name("X-a{", "x-A{"));
  EXPECT_FALSE(same_field_name("a[", "a{"));
  EXPECT_FALSE(same_field_name("a", "ab"));
}

}  // namespace
}  // namespace gonets::message
