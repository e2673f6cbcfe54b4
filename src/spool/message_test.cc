#include "spool/message.h"

#include <gtest/gtest.h>

#include "base/hex_test_support.h"

namespace gonets::spool {
namespace {

using namespace std::chrono_literals;

constexpr message_id some_id{0x123456789abcdef};
constexpr wall_time noon{1'767'268'800'000ms};

// Every field differs from its default. docs/formats/spool.md tells what each byte is.
constexpr std::string_view full_message_hex =
    "01 ac02 0462756c6b 3f c096b102 05 086140622e74657374 0669642b3242 31 02 02"
    "087840632e74657374 0f7266633832323b7840632e74657374 01"
    "087940632e74657374 00 0e";
constexpr std::string_view plain_message_hex =
    "01 00 0d7472616e73616374696f6e616c 04 64 01 00 00 00 01 087840632e74657374 00 00";
constexpr std::string_view full_recipient_hex =
    "01 01 03 01 80acb7cbb733 a0d7b3cbb733 08 c203 04 02 00 056c61746572 01 096d782e632e74657374 0861736b656420746f";
constexpr std::string_view fresh_recipient_hex = "01 00 00 00 00 00 00 00 00 00 00 00 00 00 00";

queued_message full_message() {
  queued_message m;
  m.id = some_id;
  m.account = account_id{300};
  m.stream = "bulk";
  m.body_bytes = 5'000'000;
  m.chunks = 5;
  m.has_leading_dot = m.has_eight_bit = m.is_report = true;
  m.envelope.reverse_path = "a@b.test";
  m.envelope.envelope_id = "id+2B1";
  m.envelope.ret = message::return_content::headers;
  m.envelope.body = message::body_type::eight_bit;
  m.envelope.smtputf8 = true;
  m.envelope.recipients.push_back({"x@c.test", "rfc822;x@c.test", {.never = true}});
  m.envelope.recipients.push_back({"y@c.test", {}, {.success = true, .failure = true, .delay = true}});
  return m;
}

queued_message plain_message() {
  queued_message m;
  m.id = some_id;
  m.stream = "transactional";
  m.body_bytes = 100;
  m.envelope.recipients.push_back({"x@c.test", {}, {}});
  return m;
}

recipient_record full_recipient() {
  recipient_record r;
  r.phase = recipient_phase::held;
  r.attempts = 3;
  r.delay_reported = true;
  r.due = noon;
  r.last_attempt = noon - 1min;
  r.last_stage = stage::rcpt;
  r.last_answer = {450, {4, 2, 0}, "later"};
  r.last_from_peer = true;
  r.last_host = "mx.c.test";
  r.hold_reason = "asked to";
  return r;
}

std::string encoded(const queued_message& m) {
  std::string bytes;
  encode_message(m, bytes);
  return bytes;
}
std::string encoded(const recipient_record& r) {
  std::string bytes;
  encode_recipient(r, bytes);
  return bytes;
}

void expect_same(const queued_message& a, const queued_message& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.account, b.account);
  EXPECT_EQ(a.stream, b.stream);
  EXPECT_EQ(a.envelope, b.envelope);
  EXPECT_EQ(a.body_bytes, b.body_bytes);
  EXPECT_EQ(a.chunks, b.chunks);
  EXPECT_EQ(a.has_leading_dot, b.has_leading_dot);
  EXPECT_EQ(a.has_eight_bit, b.has_eight_bit);
  EXPECT_EQ(a.ends_in_crlf, b.ends_in_crlf);
  EXPECT_EQ(a.is_report, b.is_report);
}

TEST(message_record, has_the_bytes_that_its_grammar_says) {
  EXPECT_EQ(to_hex(encoded(full_message())), to_hex(from_hex(full_message_hex)));
  EXPECT_EQ(to_hex(encoded(plain_message())), to_hex(from_hex(plain_message_hex)));
}

TEST(message_record, is_read_back_as_it_was_written) {
  for (const auto& m : {full_message(), plain_message()}) {
    queued_message found;
    ASSERT_TRUE(decode_message(some_id, encoded(m), found));
    expect_same(found, m);
  }
}

TEST(message_record, keeps_each_flag_by_itself) {
  for (int bit = 0; bit < 7; ++bit) {
    auto bytes = from_hex(plain_message_hex);
    bytes[16] = static_cast<char>(1 << bit);
    queued_message m;
    ASSERT_TRUE(decode_message(some_id, bytes, m));
    EXPECT_EQ(m.has_leading_dot, bit == 0);
    EXPECT_EQ(m.has_eight_bit, bit == 1);
    EXPECT_EQ(m.ends_in_crlf, bit == 2);
    EXPECT_EQ(m.is_report, bit == 3);
    EXPECT_EQ(m.envelope.smtputf8, bit == 4);
    EXPECT_EQ(m.envelope.body == message::body_type::eight_bit, bit == 5);
    EXPECT_EQ(m.envelope.require_tls, bit == 6);
    EXPECT_FALSE(m.tls_optional);
    EXPECT_EQ(to_hex(encoded(m)), to_hex(bytes));
  }
}

TEST(message_record, keeps_that_tls_is_optional) {
  auto m = plain_message();
  m.tls_optional = true;
  queued_message found;
  ASSERT_TRUE(decode_message(some_id, encoded(m), found));
  EXPECT_TRUE(found.tls_optional);
  EXPECT_FALSE(found.envelope.require_tls);
}

TEST(message_record, has_its_sender_s_times_in_version_2_and_is_of_version_1_without_any) {
  auto m = plain_message();
  m.envelope.release_at = noon;
  m.envelope.deliver_by = noon - 1min;
  m.envelope.by_return = true;
  const auto hex = "02" + std::string(plain_message_hex.substr(2)) + " 80acb7cbb733 a0d7b3cbb733 01";
  EXPECT_EQ(to_hex(encoded(m)), to_hex(from_hex(hex)));
  queued_message found;
  ASSERT_TRUE(decode_message(some_id, encoded(m), found));
  expect_same(found, m);
  EXPECT_EQ(found.begins(), std::max(found.accepted(), noon));
  m.envelope.by_trace = true;
  EXPECT_EQ(encoded(m).back(), '\x03');
  m.envelope.release_at = {};
  EXPECT_EQ(encoded(m).front(), '\x02');
  queued_message again;
  ASSERT_TRUE(decode_message(some_id, encoded(m), again));
  expect_same(again, m);
}

TEST(message_record, of_its_sender_s_times_is_refused_when_it_is_cut_at_any_byte) {
  auto m = full_message();
  m.envelope.release_at = noon;
  const auto bytes = encoded(m);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    queued_message found;
    EXPECT_FALSE(decode_message(some_id, bytes.substr(0, n), found)) << n;
  }
}

TEST(message_record, is_refused_when_it_is_cut_at_any_byte) {
  const auto bytes = encoded(full_message());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    queued_message m;
    EXPECT_FALSE(decode_message(some_id, bytes.substr(0, n), m)) << n;
  }
}

TEST(message_record, is_refused_when_something_follows_it) {
  queued_message m;
  EXPECT_FALSE(decode_message(some_id, encoded(full_message()) + '\0', m));
}

TEST(message_record, has_what_its_sender_named_in_version_3) {
  auto m = plain_message();
  m.egress = "bulk";
  m.labels = "autumn\nbeta";
  const auto hex = "03" + std::string(plain_message_hex.substr(2)) + " 00 00 00 0462756c6b 0b617574756d6e0a62657461";
  EXPECT_EQ(to_hex(encoded(m)), to_hex(from_hex(hex)));
  queued_message found;
  ASSERT_TRUE(decode_message(some_id, encoded(m), found));
  expect_same(found, m);
  EXPECT_EQ(found.egress, "bulk");
  EXPECT_EQ(found.labels, "autumn\nbeta");
  EXPECT_FALSE(decode_message(some_id, encoded(m).substr(0, encoded(m).size() - 1), found));
}

TEST(message_record, has_its_mailing_list_behind_the_domain_of_its_return_path) {
  auto m = plain_message();
  m.return_path_domain = "r.test";
  m.list_id = "l.test";
  queued_message found;
  ASSERT_TRUE(decode_message(some_id, encoded(m), found));
  EXPECT_EQ(found.return_path_domain, "r.test");
  EXPECT_EQ(found.list_id, "l.test");
  m.return_path_domain.clear();
  const std::string plain(plain_message_hex);
  const auto place = plain.find(" 04 64 01 00 00");
  const auto hex = plain.substr(0, place) + " 8410 64 01 00 00 066c2e74657374" + plain.substr(place + 15);
  EXPECT_EQ(to_hex(encoded(m)), to_hex(from_hex(hex)));
}

TEST(message_record, of_another_version_is_refused) {
  auto bytes = encoded(full_message());
  for (const char version : {'\x00', '\x04', '\xff'}) {
    bytes[0] = version;
    queued_message m;
    EXPECT_FALSE(decode_message(some_id, bytes, m));
  }
}

TEST(message_record, that_promises_more_recipients_than_it_has_is_refused) {
  auto bytes = from_hex(plain_message_hex);
  bytes[22] = '\x7f';
  queued_message m;
  EXPECT_FALSE(decode_message(some_id, bytes, m));
}

TEST(recipient_record, has_the_bytes_that_its_grammar_says) {
  EXPECT_EQ(to_hex(encoded(full_recipient())), to_hex(from_hex(full_recipient_hex)));
  EXPECT_EQ(to_hex(encoded(recipient_record{})), to_hex(from_hex(fresh_recipient_hex)));
}

TEST(recipient_record, is_read_back_as_it_was_written) {
  for (const auto& r : {full_recipient(), recipient_record{}}) {
    recipient_record found;
    ASSERT_TRUE(decode_recipient(encoded(r), found));
    EXPECT_EQ(found, r);
  }
}

TEST(recipient_record, is_refused_when_it_is_cut_at_any_byte) {
  const auto bytes = encoded(full_recipient());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    recipient_record r;
    EXPECT_FALSE(decode_recipient(bytes.substr(0, n), r)) << n;
  }
}

TEST(recipient_record, is_refused_when_something_follows_it) {
  recipient_record r;
  EXPECT_FALSE(decode_recipient(encoded(full_recipient()) + '\0', r));
}

TEST(recipient_record, of_another_version_is_refused) {
  auto bytes = encoded(full_recipient());
  for (const char version : {'\x00', '\x02', '\xff'}) {
    bytes[0] = version;
    recipient_record r;
    EXPECT_FALSE(decode_recipient(bytes, r));
  }
}

// Taken for "queued", a recipient that has ended would be sent again.
TEST(recipient_record, of_an_unknown_phase_is_refused) {
  auto bytes = encoded(full_recipient());
  bytes[1] = 3;
  recipient_record r;
  EXPECT_FALSE(decode_recipient(bytes, r));
}

}  // namespace
}  // namespace gonets::spool
