// The server's side of an SMTP session (RFC 5321 and the extensions that its EHLO lists) as a pure state machine:
// bytes in; replies to be sent, and questions to the owner, out. It knows no socket, clock, disk or policy.
//
// The owner's loop:
//     session.greet();
//     loop { write session.take_output(); read into `in`; while ((n = session.consume(in)) != need::input) handle n }
// `consume` takes bytes off the front of `in` until it needs the owner; then it must be answered by the call named at
// the need before it is called again. Replies collect in the output, so that pipelined commands are answered in one
// write (RFC 2920): flush when `consume` returns input, close, or a need that takes long.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"
#include "message/envelope.h"
#include "smtp/schedule.h"

namespace gonets::smtp {

enum class newline_policy : std::uint8_t {
  refuse,    // a bare CR or LF in a message: 550 5.6.11 after its end; in a command: 500 5.5.2
  normalize  // in a message each becomes CRLF; the end of data stays CRLF.CRLF on the wire and nothing else
};

// Exceeding a limit causes the reply in the comment. 0 is never "unlimited".
struct server_limits {
  std::size_t command_line_bytes_max = 2048;  // 500 5.5.2; then the session goes on after the line's end
  std::size_t text_line_bytes_max = 16384;  // 554 5.6.0 after the end of the message (RFC 5321 4.5.3.1.6 asks for 998)
  std::size_t recipients_max = 1000;        // 452 4.5.3
  std::uint64_t message_bytes_max = 52'428'800;  // 552 5.3.4 at MAIL (SIZE) or after the end of the message
  std::size_t messages_max = 10'000;             // 421 4.7.0 at MAIL, then closed
  std::size_t auth_line_bytes_max = 12'288;      // 500 5.5.6 (RFC 4954 4); AUTH with its initial response as well
  std::size_t errors_max = 20;                   // 421 4.7.0 after that many 5xx replies, then closed
};

struct server_options {
  std::string hostname;  // in the greeting, the EHLO and the QUIT reply
  server_limits limits;
  newline_policy newlines = newline_policy::refuse;
  bool offer_starttls = false;             // advertised and accepted while !tls_started()
  std::size_t body_chunk_bytes = 262'144;  // a body that grows beyond this is handed out in chunks
};

// What `consume` returns; in brackets the owner's answer.
enum class need : std::uint8_t {
  input,     // all of `in` was used up: send the output, read more
  mail,      // MAIL was well-formed: envelope().reverse_path and parameters, declared_bytes(). [answer]
  rcpt,      // RCPT was well-formed: pending_recipient(). [answer; a positive one appends it to the envelope]
  data,      // DATA or the first BDAT; last chance to refuse before the body. [answer; accept() sends 354 or goes on]
  chunk,     // take_body() has a part of the body, and more follows. [take_body, then consume again]
  message,   // the body is complete: take_body() has the (last) part of it. [answer: 250 with the queue id, or a
             // refusal]
  abandon,   // a body of which chunks were handed out came to nothing (refused by a check here, RSET, too large): drop
             // them. The reply is already in the output. [consume again]
  auth,      // AUTH began, or the client answered a challenge: auth_mechanism(), auth_begins(), auth_response().
             // [challenge, or answer: 235, or a refusal]
  starttls,  // the output ends in 220: flush, do the handshake, then tls_started(). Bytes left in `in` must be dropped.
  close      // flush, then close. Nothing more will be consumed.
};

// What AUTH (RFC 4954) may be used for at present.
struct auth_offer {
  std::string mechanisms;       // upper case, parted by spaces; empty: AUTH is not offered
  bool more_under_tls = false;  // AUTH before STARTTLS, for what is not offered: 538 5.7.11
};

class server_session {
 public:
  // `options` must outlive the session.
  explicit server_session(const server_options& options);
  ~server_session();
  server_session(server_session&&) noexcept;

  void greet();                            // queues 220
  void refuse_connection(const reply& r);  // queues `r` (421 or 554) in place of the greeting; consume gives close
  need consume(std::string_view& in);

  void accept();                          // the default positive reply: 250 2.1.0 Ok, 250 2.1.5 Ok, 354
  void answer(const reply& r);            // any reply; a negative one at mail, rcpt or data leaves the state as it was
  void accept_message(message_id id);     // 250 2.0.0 Ok: queued as <id>
  void challenge(std::string_view text);  // at auth: 334; the next line is the client's response
  // Before the first command, and again after tls_started(), which forgets it.
  void offer_auth(auth_offer what);
  // The same for FUTURERELEASE (RFC 4865), with the values of its keyword ("86400 2030-01-31T12:00:00Z"), and DELIVERBY
  // (RFC 2852); empty: neither is offered.
  void offer_schedule(std::string future_release);
  void tls_started();               // forgets all that was said before (RFC 3207 4.2)
  void disconnect(const reply& r);  // queues `r`, a 421, wherever the session stands; consume then gives close
  void time_out();                  // queues 421 4.4.2; consume then gives close
  void shut_down();                 // queues 421 4.3.2 if between commands; consume then gives close

  bool has_output() const;
  std::string take_output();  // leaves an empty buffer whose capacity is reused
  // Appends to `to` and clears; for owners that keep one write buffer.
  void drain_output(std::string& to);

  const message::envelope& envelope() const;
  message::envelope take_envelope();                    // at need::message
  const message::recipient& pending_recipient() const;  // at need::rcpt
  std::uint64_t declared_bytes() const;                 // SIZE of MAIL; 0 when absent
  const mail_schedule& schedule() const;                // of MAIL; not yet held against a clock
  std::string_view auth_mechanism() const;              // at auth; one of those offered
  bool auth_begins() const;                             // at auth: the AUTH command, not a response
  // At auth, decoded. Nothing: the client sent none with the command, and waits for a challenge.
  std::optional<std::string> take_auth_response();
  bool authenticated() const;          // AUTH succeeded, and TLS has not started since
  std::string take_body();             // at chunk and message
  std::uint64_t body_bytes() const;    // of the whole body so far, handed-out chunks included
  bool body_has_leading_dot() const;   // some line of the body starts with '.': it must be stuffed when sent
  bool body_has_eight_bit() const;     // some octet of the body is over 127
  std::string_view helo_name() const;  // as the client gave it; "" before
  bool esmtp() const;                  // EHLO, not HELO
  bool in_body() const;                // time-outs differ: command or data
  bool in_transaction() const;         // MAIL was accepted and the message has not ended
  stage at() const;                    // where the session stands, for logs

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace gonets::smtp
