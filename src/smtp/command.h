// Command lines of SMTP (RFC 5321 4.1.1, 4.1.2) and their arguments, with the parameters of SIZE (RFC 1870), 8BITMIME
// (RFC 6152), DSN (RFC 3461), AUTH (RFC 4954), SMTPUTF8 (RFC 6531) and CHUNKING (RFC 3030). Pure; any bytes are
// survived. Lines come without CRLF and without control characters (line_reader sees to that); views are into the line.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "message/envelope.h"
#include "smtp/reply_line.h"
#include "smtp/schedule.h"

namespace gonets::smtp {

// `foreign` is what no mail client says first: an HTTP request or one of its headers, which a browser can be made to
// send to any port.
enum class verb : std::uint8_t {
  unknown,
  helo,
  ehlo,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  quit,
  vrfy,
  expn,
  help,
  starttls,
  auth,
  foreign
};

struct command {
  verb what = verb::unknown;
  std::string_view argument;  // after the verb and its space, without trailing spaces
};

command split_command(std::string_view line);

struct mail_arguments {
  std::string reverse_path;      // empty: <>
  std::uint64_t size_bytes = 0;  // 0: not given
  std::string_view envelope_id;  // xtext, valid
  message::return_content ret = message::return_content::unspecified;
  message::body_type body = message::body_type::seven_bit;
  bool smtputf8 = false;
  bool require_tls = false;  // RFC 8689
  mail_schedule schedule;
};

struct rcpt_arguments {
  std::string address;
  std::string_view original_recipient;  // "type;xtext", valid
  message::notify_flags notify;
};

struct bdat_arguments {
  std::uint64_t size_bytes = 0;
  bool last = false;
};

// What the session makes possible.
struct argument_rules {
  bool esmtp = false;         // else no parameters
  bool smtputf8 = false;      // for RCPT: what MAIL asked for
  std::string_view hostname;  // <postmaster> means postmaster@hostname
  bool auth = false;          // AUTH is offered, so MAIL may carry AUTH= (RFC 4954 5), which is ignored
  bool schedule = false;      // HOLDFOR, HOLDUNTIL and BY are offered
};

// The error is the reply: 501, 553 or 555 with its enhanced code.
std::expected<mail_arguments, canned_reply> parse_mail(std::string_view argument, const argument_rules& rules);
std::expected<rcpt_arguments, canned_reply> parse_rcpt(std::string_view argument, const argument_rules& rules);

// `argument` must begin with a size of digits; else the chunk's octets can't be told from commands, and the error's
// `size_known` is false.
struct bdat_error {
  bool size_known = false;
  std::uint64_t size_bytes = 0;
};
std::expected<bdat_arguments, bdat_error> parse_bdat(std::string_view argument);

}  // namespace gonets::smtp
