// What happened to recipients: the entries of the event log. Their stored form is docs/formats/events.md; their JSON
// form is the schema `event` of api/openapi.yaml. A value; owns its text.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "bounce/category.h"
#include "tls_policy/decision.h"

namespace gonets::events {

// The numbers are stored: never reuse one.
enum class kind : std::uint8_t {
  accepted = 1,   // made safe; the sender has its 250
  deferred = 2,   // an attempt failed for now; due again at next_attempt
  delivered = 3,  // end: the next server took it
  bounced = 4,    // end: refused for good
  expired = 5,    // end: not delivered within the stream's time
  cancelled = 6,  // end: removed by an operator
  held = 7,       // waits until released
  released = 8,
  discarded = 9,    // end: the route says so
  domain = 10,      // of no message: a sender domain got worse; `sender` is its name, `reason` the finding
  pace = 11,        // of no message: `route`, a site, is sent to at another pace; `reason`: which, and the evidence
  blocklist = 12,   // of no message: an egress came on a DNS block list, or off it; `reason`: what the list says
  suppressed = 13,  // end: not sent, as the address is on its account's suppression list; `answer` says why
  // Of a visit to an address that this server put into the message, behind any end:
  opened = 14,   // its picture was fetched, by a mail program or on behalf of one
  clicked = 15,  // `url` was followed
  // Of what came back later, behind any end; `origin` names the message that told of it, if one did:
  unsubscribed = 16,    // the recipient wants no more mail of this list, or stream; `reason`: by which way it was said
  resubscribed = 17,    // wants it again
  complained = 18,      // the recipient calls it spam
  inbound_bounce = 19,  // the recipient's server, or one behind it, could not deliver it; or is late with it: then 4xx
  // Of no message, too:
  rejected = 20,     // a sender that is known was refused at intake; `answer` is what it was told, at `at_stage`
  quota = 21,        // an account has used up a quota; `reason`: which, and until when
  certificate = 22,  // a listener's certificate expires soon; `reason`: which, and when
};
std::string_view to_text(kind k);
// Whether it ends a recipient's way: each accepted recipient gets exactly one such event.
bool is_end(kind k);
// Whether it is about an address that this server put into the message, and says nothing of the delivery.
constexpr bool is_visit(kind k) {
  return k == kind::opened || k == kind::clicked;
}

struct event_recipient {
  recipient_index index;
  std::string address;
  bool operator==(const event_recipient&) const = default;
};

// The TLS of an attempt: what was used, on whose word, and what was asked for.
struct tls_use {
  tls_policy::policy policy = tls_policy::policy::none;  // none: TLS plays no part here, or no connection was made
  std::string protocol, cipher;                          // empty: in the clear
  tls_policy::proof verified_by = tls_policy::proof::none;
  std::string clear_reason;  // why in the clear: "not offered", "STARTTLS refused: 454 ...", "none after failure: ..."
  bool operator==(const tls_use&) const = default;
};

// Of an egress' address on a DNS block list.
struct blocklist_change {
  std::string egress, address, zone;
  bool listed = false;
  bool operator==(const blocklist_change&) const = default;
};

struct event {
  event_seq seq;  // given by the log
  events::kind kind = kind::accepted;
  wall_time at{};
  message_id message;
  account_id account;
  std::string stream;
  std::string sender;   // reverse-path
  std::string labels;   // of its message, as message/labels.h has them
  std::string list_id;  // accepted, and what came back later: the mailing list of its message
  // All recipients that this happened to at once: one for most events.
  std::vector<event_recipient> recipients;
  std::uint64_t message_bytes = 0;  // accepted
  std::string header_message_id;    // accepted: the field Message-ID, without its brackets
  std::string subject;  // accepted, where the account lets it be kept: decoded; its beginning when it is long
  std::string origin;   // accepted: who sent it, "192.0.2.1 (helo name)" or "report on 0A1B..."
  bool ignores_suppression = false;  // accepted: it goes to suppressed addresses, too
  stage at_stage = stage::none;      // of an attempt
  reply answer;                      // of an attempt, or the reason in our words
  bool from_peer = false;
  std::optional<bounce::category> category;  // deferred, bounced, expired: what the answer means
  std::string remote_host, remote_address;   // of an attempt
  std::string route;                         // of an attempt: the site or route
  std::string provider;                     // of an attempt: of the mailboxes, or of the site's hosts; empty: not known
  std::string egress;                       // of an attempt
  std::uint32_t attempts = 0;               // made so far, this one included
  std::uint32_t queue_ms = 0;               // of the attempt's recipient, from being due to the attempt's beginning
  std::optional<std::uint32_t> connect_ms;  // from the first dial to the first MAIL; absent: the connection was there
  std::uint32_t duration_ms = 0;            // of the attempt
  wall_time next_attempt{};                 // deferred
  tls_use tls;                              // of an attempt
  std::string transcript;  // of an attempt: lines as smtp/transcript.h has them; of several recipients, the first's
  std::string reason;      // held, released, cancelled, expired: why, by whom
  std::optional<blocklist_change> blocklist;
  std::string url;                         // clicked: where it led
  std::string client_address, user_agent;  // opened, clicked: of who came, where the account lets them be kept
  bool repeated = false;                   // opened, clicked: the recipient did so before
  bool operator==(const event&) const = default;
};

void encode(const event& e, std::string& to);  // without the sequence number, which is the key
std::optional<event> decode(event_seq seq, std::string_view record);

// Of a record, what can be told without reading it whole.
struct event_head {
  events::kind kind = kind::accepted;
  wall_time at{};
};
std::optional<event_head> decode_head(std::string_view record);

// Whether an event's JSON has its transcript: yes where one message is looked at, no where events go by in numbers.
enum class with_transcript : bool { no, yes };
// Valid UTF-8 whatever a peer said. `account`: its name, when it is known.
std::string to_json(const event& e, std::string_view account = {}, with_transcript shown = with_transcript::no);
std::string json_time(wall_time t);  // as in there: "2026-11-25T08:00:00.000Z"

}  // namespace gonets::events
