// The SMTP envelope (RFC 5321 2.3.1) with its DSN parameters (RFC 3461). A value; owns its text.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"

namespace gonets::message {

// RFC 3461 4.1. No bit set: the parameter was absent, which asks for failure and delay as the server sees fit.
struct notify_flags {
  bool never : 1 = false;
  bool success : 1 = false;
  bool failure : 1 = false;
  bool delay : 1 = false;

  bool present() const { return never || success || failure || delay; }
  bool wants_failure() const { return failure || !present(); }
  bool wants_delay() const { return delay || !present(); }
  bool wants_success() const { return success; }
  bool operator==(const notify_flags&) const = default;
};

enum class return_content : std::uint8_t { unspecified, full, headers };  // RET, RFC 3461 4.3
enum class body_type : std::uint8_t { seven_bit, eight_bit };             // BODY, RFC 6152

struct recipient {
  std::string address;             // forward-path without source route: local-part@domain, domain in lower case
  std::string original_recipient;  // ORCPT as received, "rfc822;" and xtext; empty when absent
  notify_flags notify;
  bool operator==(const recipient&) const = default;
};

struct envelope {
  std::string reverse_path;  // empty: the null reverse-path <>
  std::vector<recipient> recipients;
  std::string envelope_id;  // ENVID as received, xtext; empty when absent
  return_content ret = return_content::unspecified;
  body_type body = body_type::seven_bit;
  bool smtputf8 = false;     // RFC 6531: asked for in MAIL
  bool require_tls = false;  // RFC 8689: asked for in MAIL
  wall_time release_at{};    // RFC 4865: not to be sent before; zero: at once
  wall_time deliver_by{};    // RFC 2852; zero: no such wish
  bool by_return = false;    // what is not delivered by then goes back; else its sender is told of the delay
  bool by_trace = false;     // each server that passes it on tells its sender
  bool operator==(const envelope&) const = default;
};

}  // namespace gonets::message
