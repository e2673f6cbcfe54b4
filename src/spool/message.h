// A message as the spool keeps it, and what the spool remembers of each of its recipients.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "message/envelope.h"
#include "shaping/quota.h"

namespace gonets::spool {

// Immutable once accepted, so that shards share it without a lock. `head` and `body` together are the message as it
// will be sent, before dot-stuffing; both are empty when the message is large or was loaded without its body: then its
// `chunks` are read one by one.
struct queued_message {
  message_id id;
  account_id account;
  std::string stream;
  message::envelope envelope;
  std::uint64_t body_bytes = 0;  // of the whole content
  std::uint32_t chunks = 1;      // values in the family `bodies`
  bool has_leading_dot = false;  // must be stuffed
  bool has_eight_bit = false;    // needs 8BITMIME
  bool ends_in_crlf = true;
  bool tls_optional = false;         // "TLS-Required: No" (RFC 8689 5): the recipients' policies don't count
  bool own_return_path = false;      // leaves with a return path of ours that names the recipient (message/verp.h)
  std::string return_path_domain;    // ...which is there; empty: at feedback.domain
  bool is_report = false;            // made by us: a DSN; it never causes another
  bool ignores_suppression = false;  // its sender may ask for that, and has
  std::string egress;                // or pool, that its sender asked for; empty: none
  std::string labels;                // as message/labels.h has them; may be empty
  std::string list_id;               // the mailing list that it is of (message/list_id.h); may be empty
  bool in_memory = false;            // head and body are here
  std::string head;                  // what we put in front
  std::string body;                  // what the client sent

  wall_time accepted() const { return wall_time(std::chrono::milliseconds(accepted_at_ms(id))); }
  // What its tries, delays and expiry are counted from.
  wall_time begins() const { return std::max(accepted(), envelope.release_at); }
};
using message_ptr = std::shared_ptr<const queued_message>;

// What it takes from its account's quotas.
shaping::quota_charge charge_of(const queued_message& m);

// queued -> held, ended; held -> queued, ended; ended is final.
enum class recipient_phase : std::uint8_t { queued = 0, held = 1, ended = 2 };

// What changed about a recipient since it was accepted. A recipient without a record is queued, due at once, untried.
struct recipient_record {
  recipient_phase phase = recipient_phase::queued;
  std::uint16_t attempts = 0;
  bool delay_reported = false;
  wall_time due{};  // of the next attempt
  wall_time last_attempt{};
  stage last_stage = stage::none;
  reply last_answer;
  bool last_from_peer = false;
  std::string last_host;
  std::string hold_reason;
  bool operator==(const recipient_record&) const = default;
};

struct loaded_recipient {
  recipient_index index;
  recipient_record record;
};

void encode_message(const queued_message& m, std::string& to);  // value in `messages`
bool decode_message(message_id id, std::string_view record, queued_message& m);
void encode_recipient(const recipient_record& r, std::string& to);  // value in `recipients`
bool decode_recipient(std::string_view record, recipient_record& r);

}  // namespace gonets::spool
