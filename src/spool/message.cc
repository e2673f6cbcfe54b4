#include "spool/message.h"

#include "base/wire.h"

namespace gonets::spool {
namespace {

// message := version:u8 account:varint stream:text flags:varint body_bytes:varint chunks:varint reverse_path:text
//            envelope_id:text ret:u8 count:varint {address:text original_recipient:text notify:u8} schedule?
// schedule := release_at:varint deliver_by:varint by_mode:u8, in version 2 alone: of messages whose sender set a time
constexpr std::uint8_t message_version = 1;
constexpr std::uint8_t scheduled_message_version = 2;
// named := egress:text labels:text, in version 3 alone, behind a schedule: of messages whose sender gave one of them.
constexpr std::uint8_t named_message_version = 3;
// recipient := version:u8 phase:u8 attempts:varint delay_reported:u8 due_ms:varint last_attempt_ms:varint stage:u8
//              code:varint klass:varint subject:varint detail:varint text:text from_peer:u8 host:text hold_reason:text
constexpr std::uint8_t recipient_version = 1;

enum by_mode : std::uint8_t { by_return = 1, by_trace = 2 };
enum flag : std::uint64_t {
  leading_dot = 1,
  eight_bit = 2,
  ends_in_crlf = 4,
  is_report = 8,
  smtputf8 = 16,
  body_eight_bit = 32,
  require_tls = 64,
  tls_optional = 128,
  own_return_path = 256,
  return_path_elsewhere = 512,
  ignores_suppression = 1024,
  of_list = 2048,  // list_id:text behind return_path_domain
};

std::uint8_t notify_bits(const message::notify_flags& n) {
  return static_cast<std::uint8_t>(n.never | n.success << 1 | n.failure << 2 | n.delay << 3);
}

message::notify_flags notify_from(std::uint8_t bits) {
  message::notify_flags n;
  n.never = bits & 1;
  n.success = bits >> 1 & 1;
  n.failure = bits >> 2 & 1;
  n.delay = bits >> 3 & 1;
  return n;
}

wall_time from_ms(std::uint64_t ms) {
  return wall_time(std::chrono::milliseconds(static_cast<std::int64_t>(ms)));
}
std::uint64_t to_ms(wall_time t) {
  return static_cast<std::uint64_t>(t.time_since_epoch().count());
}

}  // namespace

shaping::quota_charge charge_of(const queued_message& m) {
  return {1, m.envelope.recipients.size(), m.body_bytes};
}

void encode_message(const queued_message& m, std::string& to) {
  std::uint64_t flags = 0;
  if (m.has_leading_dot) flags |= leading_dot;
  if (m.has_eight_bit) flags |= eight_bit;
  if (m.ends_in_crlf) flags |= ends_in_crlf;
  if (m.is_report) flags |= is_report;
  if (m.envelope.smtputf8) flags |= smtputf8;
  if (m.envelope.body == message::body_type::eight_bit) flags |= body_eight_bit;
  if (m.envelope.require_tls) flags |= require_tls;
  if (m.tls_optional) flags |= tls_optional;
  if (m.own_return_path) flags |= own_return_path;
  if (!m.return_path_domain.empty()) flags |= return_path_elsewhere;
  if (m.ignores_suppression) flags |= ignores_suppression;
  if (!m.list_id.empty()) flags |= of_list;
  const bool scheduled = m.envelope.release_at != wall_time{} || m.envelope.deliver_by != wall_time{};
  const bool named = !m.egress.empty() || !m.labels.empty();
  const auto version = named ? named_message_version : scheduled ? scheduled_message_version : message_version;
  to.push_back(static_cast<char>(version));
  wire::put_varint(to, m.account.value);
  wire::put_text(to, m.stream);
  wire::put_varint(to, flags);
  wire::put_varint(to, m.body_bytes);
  wire::put_varint(to, m.chunks);
  wire::put_text(to, m.envelope.reverse_path);
  wire::put_text(to, m.envelope.envelope_id);
  if (!m.return_path_domain.empty()) wire::put_text(to, m.return_path_domain);
  if (!m.list_id.empty()) wire::put_text(to, m.list_id);
  to.push_back(static_cast<char>(m.envelope.ret));
  wire::put_varint(to, m.envelope.recipients.size());
  for (const auto& r : m.envelope.recipients) {
    wire::put_text(to, r.address);
    wire::put_text(to, r.original_recipient);
    to.push_back(static_cast<char>(notify_bits(r.notify)));
  }
  if (version == message_version) return;
  wire::put_varint(to, to_ms(m.envelope.release_at));
  wire::put_varint(to, to_ms(m.envelope.deliver_by));
  to.push_back(static_cast<char>((m.envelope.by_return ? by_return : 0) | (m.envelope.by_trace ? by_trace : 0)));
  if (version == scheduled_message_version) return;
  wire::put_text(to, m.egress);
  wire::put_text(to, m.labels);
}

bool decode_message(message_id id, std::string_view record, queued_message& m) {
  wire::reader from(record);
  const auto version = from.byte();
  if (version < message_version || version > named_message_version) return false;
  m.id = id;
  m.account.value = static_cast<std::uint32_t>(from.varint());
  m.stream = from.text();
  const auto flags = from.varint();
  m.has_leading_dot = flags & leading_dot;
  m.has_eight_bit = flags & eight_bit;
  m.ends_in_crlf = flags & ends_in_crlf;
  m.is_report = flags & is_report;
  m.envelope.smtputf8 = flags & smtputf8;
  m.envelope.body = flags & body_eight_bit ? message::body_type::eight_bit : message::body_type::seven_bit;
  m.envelope.require_tls = flags & require_tls;
  m.tls_optional = flags & tls_optional;
  m.own_return_path = flags & own_return_path;
  m.ignores_suppression = flags & ignores_suppression;
  m.body_bytes = from.varint();
  m.chunks = static_cast<std::uint32_t>(from.varint());
  m.envelope.reverse_path = from.text();
  m.envelope.envelope_id = from.text();
  if (flags & return_path_elsewhere) m.return_path_domain = from.text();
  if (flags & of_list) m.list_id = from.text();
  m.envelope.ret = static_cast<message::return_content>(from.byte());
  const auto count = from.varint();
  if (count > record.size()) return false;
  m.envelope.recipients.reserve(count);
  for (std::uint64_t i = 0; i < count && from.ok(); ++i) {
    message::recipient r;
    r.address = from.text();
    r.original_recipient = from.text();
    r.notify = notify_from(from.byte());
    m.envelope.recipients.push_back(std::move(r));
  }
  if (version >= scheduled_message_version) {
    m.envelope.release_at = from_ms(from.varint());
    m.envelope.deliver_by = from_ms(from.varint());
    const auto mode = from.byte();
    m.envelope.by_return = mode & by_return;
    m.envelope.by_trace = mode & by_trace;
  }
  if (version == named_message_version) {
    m.egress = from.text();
    m.labels = from.text();
  }
  return from.ok() && from.at_end();
}

void encode_recipient(const recipient_record& r, std::string& to) {
  to.push_back(static_cast<char>(recipient_version));
  to.push_back(static_cast<char>(r.phase));
  wire::put_varint(to, r.attempts);
  to.push_back(r.delay_reported ? 1 : 0);
  wire::put_varint(to, to_ms(r.due));
  wire::put_varint(to, to_ms(r.last_attempt));
  to.push_back(static_cast<char>(r.last_stage));
  wire::put_varint(to, r.last_answer.code);
  wire::put_varint(to, r.last_answer.status.klass);
  wire::put_varint(to, r.last_answer.status.subject);
  wire::put_varint(to, r.last_answer.status.detail);
  wire::put_text(to, r.last_answer.text);
  to.push_back(r.last_from_peer ? 1 : 0);
  wire::put_text(to, r.last_host);
  wire::put_text(to, r.hold_reason);
}

bool decode_recipient(std::string_view record, recipient_record& r) {
  wire::reader from(record);
  if (from.byte() != recipient_version) return false;
  const auto phase = from.byte();
  if (phase > static_cast<std::uint8_t>(recipient_phase::ended)) return false;
  r.phase = static_cast<recipient_phase>(phase);
  r.attempts = static_cast<std::uint16_t>(from.varint());
  r.delay_reported = from.byte() != 0;
  r.due = from_ms(from.varint());
  r.last_attempt = from_ms(from.varint());
  r.last_stage = static_cast<stage>(from.byte());
  r.last_answer.code = static_cast<std::uint16_t>(from.varint());
  r.last_answer.status.klass = static_cast<std::uint8_t>(from.varint());
  r.last_answer.status.subject = static_cast<std::uint16_t>(from.varint());
  r.last_answer.status.detail = static_cast<std::uint16_t>(from.varint());
  r.last_answer.text = from.text();
  r.last_from_peer = from.byte() != 0;
  r.last_host = from.text();
  r.hold_reason = from.text();
  return from.ok() && from.at_end();
}

}  // namespace gonets::spool
