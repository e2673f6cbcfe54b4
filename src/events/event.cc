#include "events/event.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/wire.h"
#include "message/labels.h"
#include "message/valid_utf8.h"

namespace gonets::events {
namespace {

// event := version:u8 kind:u8 at_ms:be64 message:be64 account:varint count:varint {index:varint address:text} field*
// field := tag:u8 value; each tag has one value type, and absent fields are empty or zero.
constexpr std::uint8_t version = 1;

enum class tag : std::uint8_t {
  stream = 1,
  sender = 2,
  message_bytes = 3,
  origin = 4,
  at_stage = 5,
  answer = 6,
  remote_host = 7,
  remote_address = 8,
  route = 9,
  attempts = 10,
  duration_ms = 11,
  next_attempt = 12,
  reason = 13,
  tls_policy = 14,
  tls_protocol = 15,
  tls_cipher = 16,
  tls_verified_by = 17,
  tls_clear_reason = 18,
  blocklist = 19,
  labels = 20,
  category = 21,  // its number, and one
  provider = 22,
  egress = 23,
  header_message_id = 24,
  queue_ms = 25,
  connect_ms = 26,  // and one
  transcript = 27,
  ignores_suppression = 28,  // 1
  subject = 29,
  list_id = 30,
  url = 31,
  client_address = 32,
  user_agent = 33,
  repeated = 34,  // 1
};

void put_field(std::string& to, tag t, std::string_view text) {
  if (text.empty()) return;
  to.push_back(static_cast<char>(t));
  wire::put_text(to, text);
}

void put_field(std::string& to, tag t, std::uint64_t number) {
  if (number == 0) return;
  to.push_back(static_cast<char>(t));
  wire::put_varint(to, number);
}

void put_answer(std::string& to, const reply& r, bool from_peer) {
  if (r.code == 0) return;
  to.push_back(static_cast<char>(tag::answer));
  wire::put_varint(to, r.code);
  wire::put_varint(to, r.status.klass);
  wire::put_varint(to, r.status.subject);
  wire::put_varint(to, r.status.detail);
  wire::put_text(to, r.text);
  to.push_back(from_peer ? 1 : 0);
}

void read_answer(wire::reader& from, event& e) {
  e.answer.code = static_cast<std::uint16_t>(from.varint());
  e.answer.status.klass = static_cast<std::uint8_t>(from.varint());
  e.answer.status.subject = static_cast<std::uint16_t>(from.varint());
  e.answer.status.detail = static_cast<std::uint16_t>(from.varint());
  e.answer.text = from.text();
  e.from_peer = from.byte() != 0;
}

void put_blocklist(std::string& to, const std::optional<blocklist_change>& change) {
  if (!change) return;
  to.push_back(static_cast<char>(tag::blocklist));
  wire::put_text(to, change->egress);
  wire::put_text(to, change->address);
  wire::put_text(to, change->zone);
  to.push_back(change->listed ? 1 : 0);
}

void read_blocklist(wire::reader& from, event& e) {
  auto& change = e.blocklist.emplace();
  change.egress = from.text();
  change.address = from.text();
  change.zone = from.text();
  change.listed = from.byte() != 0;
}

bool read_category(wire::reader& from, event& e) {
  const auto number = from.varint();
  if (number == 0 || number > bounce::categories) return false;
  e.category = static_cast<bounce::category>(number - 1);
  return true;
}

wall_time from_ms(std::uint64_t ms) {
  return wall_time(std::chrono::milliseconds(static_cast<std::int64_t>(ms)));
}
std::uint64_t to_ms(wall_time t) {
  return static_cast<std::uint64_t>(t.time_since_epoch().count());
}

bool read_field(wire::reader& from, event& e) {
  switch (static_cast<tag>(from.byte())) {
    case tag::stream:
      e.stream = from.text();
      return true;
    case tag::sender:
      e.sender = from.text();
      return true;
    case tag::message_bytes:
      e.message_bytes = from.varint();
      return true;
    case tag::origin:
      e.origin = from.text();
      return true;
    case tag::at_stage:
      e.at_stage = static_cast<stage>(from.varint());
      return true;
    case tag::answer:
      read_answer(from, e);
      return true;
    case tag::remote_host:
      e.remote_host = from.text();
      return true;
    case tag::remote_address:
      e.remote_address = from.text();
      return true;
    case tag::route:
      e.route = from.text();
      return true;
    case tag::attempts:
      e.attempts = static_cast<std::uint32_t>(from.varint());
      return true;
    case tag::duration_ms:
      e.duration_ms = static_cast<std::uint32_t>(from.varint());
      return true;
    case tag::next_attempt:
      e.next_attempt = from_ms(from.varint());
      return true;
    case tag::reason:
      e.reason = from.text();
      return true;
    case tag::tls_policy:
      e.tls.policy = static_cast<tls_policy::policy>(from.varint());
      return true;
    case tag::tls_protocol:
      e.tls.protocol = from.text();
      return true;
    case tag::tls_cipher:
      e.tls.cipher = from.text();
      return true;
    case tag::tls_verified_by:
      e.tls.verified_by = static_cast<tls_policy::proof>(from.varint());
      return true;
    case tag::tls_clear_reason:
      e.tls.clear_reason = from.text();
      return true;
    case tag::blocklist:
      read_blocklist(from, e);
      return true;
    case tag::labels:
      e.labels = from.text();
      return true;
    case tag::category:
      return read_category(from, e);
    case tag::provider:
      e.provider = from.text();
      return true;
    case tag::egress:
      e.egress = from.text();
      return true;
    case tag::header_message_id:
      e.header_message_id = from.text();
      return true;
    case tag::queue_ms:
      e.queue_ms = static_cast<std::uint32_t>(from.varint());
      return true;
    case tag::connect_ms:
      e.connect_ms = static_cast<std::uint32_t>(from.varint() - 1);
      return true;
    case tag::transcript:
      e.transcript = from.text();
      return true;
    case tag::ignores_suppression:
      e.ignores_suppression = from.varint() != 0;
      return true;
    case tag::subject:
      e.subject = from.text();
      return true;
    case tag::list_id:
      e.list_id = from.text();
      return true;
    case tag::url:
      e.url = from.text();
      return true;
    case tag::client_address:
      e.client_address = from.text();
      return true;
    case tag::user_agent:
      e.user_agent = from.text();
      return true;
    case tag::repeated:
      e.repeated = from.varint() != 0;
      return true;
  }
  return false;
}

}  // namespace

std::string json_time(wall_time t) {
  const auto ms = t.time_since_epoch().count();
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), ms % 1000);
}

std::string_view to_text(kind k) {
  static constexpr std::array<std::string_view, 23> names = {
      "",           "accepted",       "deferred", "delivered", "bounced",      "expired",
      "cancelled",  "held",           "released", "discarded", "domain",       "pace",
      "blocklist",  "suppressed",     "opened",   "clicked",   "unsubscribed", "resubscribed",
      "complained", "inbound_bounce", "rejected", "quota",     "certificate"};
  const auto number = static_cast<std::size_t>(k);
  return number < names.size() && !names[number].empty() ? names[number] : std::string_view("unknown");
}

bool is_end(kind k) {
  return k == kind::delivered || k == kind::bounced || k == kind::expired || k == kind::cancelled ||
         k == kind::discarded || k == kind::suppressed;
}

void encode(const event& e, std::string& to) {
  to.push_back(static_cast<char>(version));
  to.push_back(static_cast<char>(e.kind));
  wire::put_be64(to, to_ms(e.at));
  wire::put_be64(to, e.message.value);
  wire::put_varint(to, e.account.value);
  wire::put_varint(to, e.recipients.size());
  for (const auto& r : e.recipients) {
    wire::put_varint(to, r.index.value);
    wire::put_text(to, r.address);
  }
  put_field(to, tag::stream, e.stream);
  put_field(to, tag::sender, e.sender);
  put_field(to, tag::message_bytes, e.message_bytes);
  put_field(to, tag::origin, e.origin);
  put_field(to, tag::at_stage, static_cast<std::uint64_t>(e.at_stage));
  put_answer(to, e.answer, e.from_peer);
  put_field(to, tag::remote_host, e.remote_host);
  put_field(to, tag::remote_address, e.remote_address);
  put_field(to, tag::route, e.route);
  put_field(to, tag::attempts, e.attempts);
  put_field(to, tag::duration_ms, e.duration_ms);
  put_field(to, tag::next_attempt, to_ms(e.next_attempt));
  put_field(to, tag::reason, e.reason);
  put_field(to, tag::tls_policy, static_cast<std::uint64_t>(e.tls.policy));
  put_field(to, tag::tls_protocol, e.tls.protocol);
  put_field(to, tag::tls_cipher, e.tls.cipher);
  put_field(to, tag::tls_verified_by, static_cast<std::uint64_t>(e.tls.verified_by));
  put_field(to, tag::tls_clear_reason, e.tls.clear_reason);
  put_blocklist(to, e.blocklist);
  put_field(to, tag::labels, e.labels);
  if (e.category) put_field(to, tag::category, static_cast<std::uint64_t>(*e.category) + 1);
  put_field(to, tag::provider, e.provider);
  put_field(to, tag::egress, e.egress);
  put_field(to, tag::header_message_id, e.header_message_id);
  put_field(to, tag::queue_ms, e.queue_ms);
  if (e.connect_ms) put_field(to, tag::connect_ms, std::uint64_t{*e.connect_ms} + 1);
  put_field(to, tag::transcript, e.transcript);
  put_field(to, tag::ignores_suppression, e.ignores_suppression ? 1u : 0u);
  put_field(to, tag::subject, e.subject);
  put_field(to, tag::list_id, e.list_id);
  put_field(to, tag::url, e.url);
  put_field(to, tag::client_address, e.client_address);
  put_field(to, tag::user_agent, e.user_agent);
  put_field(to, tag::repeated, e.repeated ? 1u : 0u);
}

std::optional<event_head> decode_head(std::string_view record) {
  wire::reader from(record);
  if (from.byte() != version) return std::nullopt;
  event_head head;
  head.kind = static_cast<kind>(from.byte());
  head.at = from_ms(from.be64());
  if (!from.ok()) return std::nullopt;
  return head;
}

std::optional<event> decode(event_seq seq, std::string_view record) {
  wire::reader from(record);
  if (from.byte() != version) return std::nullopt;
  event e;
  e.seq = seq;
  e.kind = static_cast<kind>(from.byte());
  e.at = from_ms(from.be64());
  e.message.value = from.be64();
  e.account.value = static_cast<std::uint32_t>(from.varint());
  const auto count = from.varint();
  for (std::uint64_t i = 0; i < count && from.ok(); ++i) {
    const recipient_index index{static_cast<std::uint16_t>(from.varint())};
    e.recipients.push_back({index, std::string(from.text())});
  }
  while (from.ok() && !from.at_end()) {
    if (!read_field(from, e)) return std::nullopt;
  }
  if (!from.ok()) return std::nullopt;
  return e;
}

namespace {

boost::json::object tls_json(const tls_use& tls) {
  boost::json::object o{{"policy", tls_policy::to_text(tls.policy)}};
  if (!tls.protocol.empty()) {
    o["protocol"] = tls.protocol;
    o["cipher"] = tls.cipher;
    o["verified_by"] = tls_policy::to_text(tls.verified_by);
  }
  if (!tls.clear_reason.empty()) o["clear_reason"] = tls.clear_reason;
  return o;
}

boost::json::array lines_json(std::string_view lines) {
  boost::json::array all;
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size() - 1);
    all.push_back(boost::json::string(lines.substr(0, lines[end] == '\n' ? end : end + 1)));
    lines.remove_prefix(end + 1);
  }
  return all;
}

}  // namespace

std::string to_json(const event& e, std::string_view account, with_transcript shown) {
  namespace json = boost::json;
  json::object o;
  o["seq"] = e.seq.value;
  o["kind"] = to_text(e.kind);
  o["at"] = json_time(e.at);
  o["message_id"] = gonets::to_text(e.message);
  o["account_id"] = e.account.value;
  if (!account.empty()) o["account"] = account;
  json::array recipients;
  for (const auto& r : e.recipients)
    recipients.push_back(json::object{{"index", r.index.value}, {"address", r.address}});
  o["recipients"] = std::move(recipients);
  const auto add = [&o](const char* key, const auto& value, bool present) {
    if (present) o[key] = value;
  };
  add("stream", e.stream, !e.stream.empty());
  o["sender"] = e.sender;
  if (const auto campaign = message::campaign_of(e.labels); !campaign.empty()) o["campaign"] = campaign;
  if (const auto tags = message::tags_of(e.labels); !tags.empty()) o["tags"] = json::array(tags.begin(), tags.end());
  add("list_id", e.list_id, !e.list_id.empty());
  add("header_message_id", e.header_message_id, !e.header_message_id.empty());
  add("subject", e.subject, !e.subject.empty());
  add("message_bytes", e.message_bytes, e.message_bytes != 0);
  add("origin", e.origin, !e.origin.empty());
  add("ignores_suppression", true, e.ignores_suppression);
  add("stage", std::string(gonets::to_text(e.at_stage)), e.at_stage != stage::none);
  if (e.answer.code != 0) {
    o["reply"] = json::object{{"code", e.answer.code},
                              {"status", gonets::to_text(e.answer.status)},
                              {"text", e.answer.text},
                              {"from_peer", e.from_peer}};
  }
  if (e.category) o["category"] = bounce::to_text(*e.category);
  add("remote_host", e.remote_host, !e.remote_host.empty());
  add("remote_address", e.remote_address, !e.remote_address.empty());
  add("route", e.route, !e.route.empty());
  add("provider", e.provider, !e.provider.empty());
  add("egress", e.egress, !e.egress.empty());
  add("attempts", e.attempts, e.attempts != 0);
  add("queue_ms", e.queue_ms, e.attempts != 0);
  if (e.connect_ms) o["connect_ms"] = *e.connect_ms;
  add("duration_ms", e.duration_ms, e.duration_ms != 0);
  add("next_attempt", json_time(e.next_attempt), e.next_attempt != wall_time{});
  add("reason", e.reason, !e.reason.empty());
  if (e.blocklist) {
    const auto& b = *e.blocklist;
    o["blocklist"] = json::object{{"egress", b.egress}, {"address", b.address}, {"zone", b.zone}, {"listed", b.listed}};
  }
  add("url", e.url, !e.url.empty());
  add("client_address", e.client_address, !e.client_address.empty());
  add("user_agent", e.user_agent, !e.user_agent.empty());
  add("repeated", true, e.repeated);
  if (e.tls.policy != tls_policy::policy::none) o["tls"] = tls_json(e.tls);
  if (shown == with_transcript::yes && !e.transcript.empty()) o["transcript"] = lines_json(e.transcript);
  return message::valid_utf8(json::serialize(o));
}

}  // namespace gonets::events
