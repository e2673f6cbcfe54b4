// The fields that a mail server adds (RFC 5321 4.4, RFC 5322 3.6.1, 3.6.4).
#pragma once
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"

namespace gonets::message {

// "Tue, 24 Nov 2026 03:28:32 +0000": RFC 5322 3.3, always UTC.
std::string format_date(wall_time t);
void append_date(std::string& to, wall_time t);

struct received_facts {
  std::string_view helo_name;     // what the client called itself; hostile, is escaped or cut to printable ASCII
  std::string_view peer_address;  // textual; IPv6 without "IPv6:"
  std::string_view by;            // our hostname
  std::string_view with;          // RFC 3848 and RFC 6531: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, UTF8SMTP...
  std::string_view tls;           // "TLSv1.3 with cipher ...", or empty
  std::string_view for_address;   // the only recipient, or empty when there are several (no disclosure)
  message_id id;
  wall_time at;
};
// Appends a Received field, folded, ended by CRLF. One allocation at most.
void append_received(std::string& to, const received_facts& facts);

// Appends "Message-ID: <queue-id.random@hostname>" CRLF. `random` comes from the caller.
void append_message_id(std::string& to, message_id id, std::uint64_t random, std::string_view hostname);

}  // namespace gonets::message
