// The commands of a session, one function each: what is in order when, and what each does to the transaction.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "smtp/detail/server_state.h"

namespace gonets::smtp {
namespace {

constexpr std::size_t helo_name_bytes_max = 255;

constexpr enhanced_status bad_syntax{5, 5, 2};
constexpr enhanced_status bad_arguments{5, 5, 4};
constexpr enhanced_status bad_sequence{5, 5, 1};

constexpr canned_reply bad_octet{500, bad_syntax, "Command holds a control character"};
constexpr canned_reply bare_lf{500, bad_syntax, "Lines must end in CR LF"};
constexpr canned_reply line_too_long{500, bad_syntax, "Command line is too long"};
constexpr canned_reply unknown_command{500, bad_syntax, "Command not recognized"};
constexpr canned_reply not_mail{554, {5, 7, 0}, "This is an SMTP server, closing connection"};
// RFC 8689 4.1: what came in the clear can't be said to have been under TLS all the way.
constexpr canned_reply requiretls_in_clear{530, {5, 7, 10}, "REQUIRETLS is for sessions under TLS; use STARTTLS first"};
constexpr canned_reply say_hello{503, bad_sequence, "Send EHLO or HELO first"};
constexpr canned_reply say_ehlo{503, bad_sequence, "Send EHLO first"};
constexpr canned_reply say_mail{503, bad_sequence, "Send MAIL first"};
constexpr canned_reply say_rcpt{503, bad_sequence, "No valid recipients"};
constexpr canned_reply nested_mail{503, bad_sequence, "A transaction is open already: send RSET first"};
constexpr canned_reply mid_chunks{503, bad_sequence, "A BDAT message is open: send BDAT or RSET"};
constexpr canned_reply no_argument{501, bad_arguments, "Command takes no argument"};
constexpr canned_reply bad_helo{501, bad_arguments, "A host name of printable ASCII is needed"};
constexpr canned_reply bad_bdat{501, bad_arguments, "Syntax: BDAT size [LAST]"};
constexpr canned_reply bad_bdat_close{501, bad_arguments, "Syntax: BDAT size [LAST]; closing connection"};
constexpr canned_reply too_many_recipients{452, {4, 5, 3}, "Too many recipients"};
constexpr canned_reply too_many_messages{421, {4, 7, 0}, "Too many messages on this connection, closing it"};
constexpr canned_reply tls_not_offered{502, bad_sequence, "STARTTLS is not offered"};
constexpr canned_reply tls_running{503, bad_sequence, "TLS is running already"};
constexpr canned_reply tls_ready{220, {2, 0, 0}, "Ready to start TLS"};
constexpr canned_reply tls_after_auth{503, bad_sequence, "TLS must start before AUTH"};
constexpr canned_reply no_expn{502, bad_sequence, "EXPN is not implemented"};
constexpr canned_reply vrfy_needs{501, bad_arguments, "Syntax: VRFY address"};
constexpr canned_reply vrfy_answer{252, {2, 1, 5}, "Cannot verify; send RCPT, and delivery will be attempted"};
constexpr canned_reply help_answer{
    214, {2, 0, 0}, "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS AUTH; see RFC 5321"};
constexpr canned_reply ok{250, {2, 0, 0}, "Ok"};
constexpr canned_reply bye{221, {2, 0, 0}, "Bye"};

bool is_helo_name(std::string_view name) {
  return !name.empty() && name.size() <= helo_name_bytes_max &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

void server_session::state::execute(line_verdict verdict) {
  switch (verdict) {
    case line_verdict::incomplete:
      return;
    case line_verdict::line: {
      const auto c = split_command(lines.line());
      const bool longer = lines.line().size() + 2 > options.limits.command_line_bytes_max;
      return longer && c.what != verb::auth ? say(line_too_long) : execute(c);
    }
    case line_verdict::bad_octet:
      return say(bad_octet);
    case line_verdict::bare_lf:
      return say(bare_lf);
    case line_verdict::too_long:
      return say(line_too_long);
  }
}

void server_session::state::execute(const command& c) {
  switch (c.what) {
    case verb::helo:
      return hello(c.argument, false);
    case verb::ehlo:
      return hello(c.argument, true);
    case verb::mail:
      return mail(c.argument);
    case verb::rcpt:
      return rcpt(c.argument);
    case verb::data:
      return data(c.argument);
    case verb::bdat:
      return bdat(c.argument);
    case verb::starttls:
      return starttls(c.argument);
    case verb::rset:
    case verb::quit:
      return without_argument(c);
    case verb::noop:
      return say(ok);
    case verb::help:
      return say(help_answer);
    case verb::vrfy:
      return say(c.argument.empty() ? vrfy_needs : vrfy_answer);
    case verb::expn:
      return say(no_expn);
    case verb::auth:
      return auth(c.argument);
    case verb::foreign:
      return close_with(not_mail);
    case verb::unknown:
      return say(unknown_command);
  }
}

void server_session::state::without_argument(const command& c) {
  if (!c.argument.empty()) return say(no_argument);
  end_transaction();
  if (c.what == verb::quit) return close_with(bye);
  say(ok);
}

void server_session::state::hello(std::string_view name, bool extended) {
  if (!is_helo_name(name)) return say(bad_helo);
  end_transaction();
  helo_name = name;
  esmtp = extended;
  auto out = std::back_inserter(output);
  if (!extended) {
    fmt::format_to(out, "250 {}\r\n", options.hostname);
    return;
  }
  fmt::format_to(out, "250-{}\r\n250-PIPELINING\r\n250-SIZE {}\r\n", options.hostname,
                 options.limits.message_bytes_max);
  if (options.offer_starttls && !tls && !authenticated) output += "250-STARTTLS\r\n";
  if (!offer.mechanisms.empty() && !authenticated) fmt::format_to(out, "250-AUTH {}\r\n", offer.mechanisms);
  if (tls) output += "250-REQUIRETLS\r\n";
  if (!future_release.empty()) fmt::format_to(out, "250-FUTURERELEASE {}\r\n250-DELIVERBY\r\n", future_release);
  output +=
      "250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250-DSN\r\n"
      "250 HELP\r\n";
}

void server_session::state::mail(std::string_view argument) {
  if (helo_name.empty()) return say(say_hello);
  if (transaction_open) return say(nested_mail);
  if (messages >= options.limits.messages_max) return close_with(too_many_messages);
  auto parsed =
      parse_mail(argument, {esmtp, false, options.hostname, !offer.mechanisms.empty(), !future_release.empty()});
  if (!parsed) return say(parsed.error());
  if (parsed->size_bytes > options.limits.message_bytes_max) {
    return say(552, {5, 3, 4}, fmt::format("Message is larger than {} octets", options.limits.message_bytes_max));
  }
  if (parsed->require_tls && !tls) return say(requiretls_in_clear);
  envelope.reverse_path = std::move(parsed->reverse_path);
  envelope.envelope_id = parsed->envelope_id;
  envelope.ret = parsed->ret;
  envelope.body = parsed->body;
  envelope.smtputf8 = parsed->smtputf8;
  envelope.require_tls = parsed->require_tls;
  declared_bytes = parsed->size_bytes;
  schedule = parsed->schedule;
  now = phase::ask_mail;
}

void server_session::state::rcpt(std::string_view argument) {
  if (!transaction_open) return say(helo_name.empty() ? say_hello : say_mail);
  if (body_begun) return say(mid_chunks);
  auto parsed = parse_rcpt(argument, {esmtp, envelope.smtputf8, options.hostname});
  if (!parsed) return say(parsed.error());
  if (envelope.recipients.size() >= options.limits.recipients_max) return say(too_many_recipients);
  pending_recipient.address = std::move(parsed->address);
  pending_recipient.original_recipient = parsed->original_recipient;
  pending_recipient.notify = parsed->notify;
  now = phase::ask_rcpt;
}

void server_session::state::data(std::string_view argument) {
  if (!argument.empty()) return say(no_argument);
  if (!transaction_open) return say(helo_name.empty() ? say_hello : say_mail);
  if (body_begun) return say(mid_chunks);
  if (envelope.recipients.empty()) return say(say_rcpt);
  chunked = false;
  now = phase::ask_data;
}

void server_session::state::bdat(std::string_view argument) {
  const auto parsed = parse_bdat(argument);
  if (!parsed && !parsed.error().size_known) return close_with(bad_bdat_close);
  chunk = parsed ? *parsed : bdat_arguments{parsed.error().size_bytes, false};
  chunk_left = chunk.size_bytes;
  if (!parsed) return refuse_chunk(bad_bdat);
  if (!esmtp) return refuse_chunk(say_ehlo);
  if (!transaction_open) return refuse_chunk(say_mail);
  if (envelope.recipients.empty()) return refuse_chunk(say_rcpt);
  chunked = true;
  now = body_begun ? phase::body : phase::ask_data;
}

void server_session::state::starttls(std::string_view argument) {
  if (tls) return say(tls_running);
  if (authenticated) return say(tls_after_auth);
  if (!options.offer_starttls) return say(tls_not_offered);
  if (!argument.empty()) return say(no_argument);
  if (!esmtp) return say(say_ehlo);
  end_transaction();
  say(tls_ready);
  now = phase::handshake;
}

}  // namespace gonets::smtp
