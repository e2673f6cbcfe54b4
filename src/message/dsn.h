// Composes delivery status notifications (RFC 3464, in multipart/report of RFC 6522; RFC 6533 where addresses need it).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "message/envelope.h"

namespace gonets::message {

enum class dsn_kind : std::uint8_t { failed, delayed, delivered, relayed };

struct dsn_recipient {
  std::string_view final_recipient;
  std::string_view original_recipient;  // ORCPT as received (xtext; decoded for the report), or empty
  reply answer;                         // the last reply, the peer's or ours
  bool from_peer = false;               // then Diagnostic-Code: smtp; ...
  std::string_view remote_mta;          // host name, or empty
  stage at = stage::none;
  wall_time last_attempt{};
  wall_time will_retry_until{};  // for delayed; zero otherwise
};

struct dsn_facts {
  dsn_kind kind = dsn_kind::failed;
  std::string_view reporting_mta;  // our hostname
  std::string_view to;             // the original reverse-path: never empty
  std::string_view envelope_id;    // ENVID as received (xtext), or empty
  wall_time arrived{};
  wall_time now{};
  message_id original_id;                            // queue id of the message
  message_id id;                                     // queue id of this report
  std::uint64_t random = 0;                          // makes the MIME boundary and the Message-ID unguessable
  return_content ret = return_content::unspecified;  // full: whole message for `failed`; else headers only
  std::string_view original;                         // the message (or its beginning, when `original_cut`)
  bool original_cut = false;                         // then only headers are returned, whatever `ret` says
  bool smtputf8 = false;
};

// The whole message, header and body, CRLF line ends, no bare CR or LF, no line over 998 octets except those of the
// original. Says to people, in plain English, for each recipient: what happened, what the other server said, what to
// do.
//
// What peers and senders wrote (replies, host names, ENVID, ORCPT) is hostile: it is folded, cut and cleaned, so that
// it can end neither a line, nor a field, nor a part. Bare CR and LF in `original` become CRLF.
std::string compose_dsn(const dsn_facts& facts, const std::vector<dsn_recipient>& recipients);

// Whether the report that compose_dsn makes of the same arguments has UTF-8 in a header, so that its envelope must ask
// for SMTPUTF8. A report on a message that asked for it, but has all of its header in ASCII, has not.
bool dsn_needs_smtputf8(const dsn_facts& facts, const std::vector<dsn_recipient>& recipients);

}  // namespace gonets::message
