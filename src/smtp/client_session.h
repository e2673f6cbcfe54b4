// The client's side of an SMTP or LMTP session (RFC 5321, RFC 2033, RFC 2920) as a pure state machine: the peer's bytes
// in; commands to be written, and an exact outcome for every recipient, out. It knows no socket and no clock.
//
// Several transactions follow each other on a connection. With a peer that pipelines, the next one's commands leave in
// the same write as the end of the data of the one before (RFC 2920 3.1), which is the fast path:
//
//     session.connected();
//     for (;;) switch (session.next()) {
//       case wants::bytes:   write take_output() if any; read with the time-out of waiting_for(); session.feed(bytes)
//                            or session.lost(reason)
//       case wants::tls:     the peer is ready for a TLS handshake: do it, then session.tls_started() or
//                            session.tls_failed(why)
//       case wants::work:    idle and ready: session.begin(t) or session.quit()
//       case wants::body:    the peer answered 354. Optionally, if can_chain(): session.begin(next). Then write, in
//       this
//                            order: take_output(), the body (dot-stuffed by the owner if it needs it), and
//                            after_body(): the end of data and the chained commands. Then session.body_sent().
//       case wants::collect: results() of the oldest transaction are complete: take them with collect()
//       case wants::close:   every transaction begun has been collected; write take_output() if any (a QUIT whose reply
//                            nobody waits for), close the socket. closed_because() says why.
//     }
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "message/envelope.h"
#include "smtp/transcript.h"

namespace gonets::smtp {

enum class protocol : std::uint8_t { smtp, lmtp };

enum class starttls : std::uint8_t {
  never,       // also where TLS is there from the first byte
  if_offered,  // and if it is refused, goes on in the clear
  required     // else the session ends at stage `tls` before any transaction
};

// By which the session logs in before its first transaction.
struct client_login {
  std::string name, password;
  std::string nonce;  // for SCRAM: printable ASCII without commas, fresh and random
  // The owner vouches that nobody reads along: TLS is there from the first byte, or the peer is on this machine.
  // Otherwise the password is not sent before STARTTLS.
  bool is_private = false;
  bool by_token = false;  // the password is an OAuth 2 access token
};

struct client_options {
  std::string helo_name;
  protocol speak = protocol::smtp;
  starttls tls = starttls::never;
  std::optional<client_login> login = std::nullopt;  // what the peer says to it is never more than a reason to defer
  std::size_t reply_line_bytes_max = 2048;           // longer: the session ends as a protocol error
  std::size_t reply_lines_max = 128;                 // more in one reply: the same
  std::size_t messages_max = 0x7fffffff;  // begun on this connection; then next() gives close instead of work
};

// RFC 2852, as it goes to a server that offers DELIVERBY.
struct deliver_by {
  std::chrono::seconds left{0};  // negative: it is over
  bool or_return = false;
  bool trace = false;
};

// What is to be sent. Views must stay valid until the transaction is collected.
struct transaction {
  std::string_view reverse_path;
  std::vector<const message::recipient*> recipients;  // 1 to any number; the owner keeps to the peer's limit
  std::string_view envelope_id;
  message::return_content ret = message::return_content::unspecified;
  std::uint64_t size_bytes = 0;  // of the body, before stuffing; SIZE is sent where it is offered
  bool eight_bit = false;        // the content has octets over 127: needs 8BITMIME
  bool smtputf8 = false;         // needs SMTPUTF8
  bool require_tls = false;      // needs REQUIRETLS (RFC 8689); the owner sees to it that the connection is fit for it
  std::optional<deliver_by> by = std::nullopt;
  bool body_ends_in_crlf = true;  // else the end of data gets a CRLF of its own before the dot
};

// What became of one recipient of a transaction.
enum class disposition : std::uint8_t {
  delivered,     // 2xx to the end of data (LMTP: to this recipient's)
  deferred,      // 4xx, or the connection was lost or broke protocol while this recipient's fate was open
  failed,        // 5xx, or a need of the message that the peer does not meet (8BITMIME, SMTPUTF8, SIZE)
  not_attempted  // nothing about this transaction was refused: the session ended before it was its turn, or a
                 // connection used before was lost with nothing of it answered, or the peer said 452 "too many
                 // recipients" after at least one was accepted: try again at once. The first transaction of a
                 // connection always gets something else for one recipient at least, so that trying again comes to an
                 // end.
};

struct recipient_outcome {
  disposition what = disposition::not_attempted;
  stage at = stage::none;
  reply answer;  // the peer's, or one of ours that says what happened (code 4xx/5xx, text without CR or LF)
  bool from_peer = false;
};

enum class wants : std::uint8_t { bytes, work, body, collect, close, tls };

class client_session {
 public:
  explicit client_session(client_options options);
  ~client_session();
  client_session(client_session&&) noexcept;

  void connected();  // now wait for the greeting
  wants next();
  void feed(std::string_view bytes);  // any bytes, hostile ones too
  // At wants::tls. What the peer sent behind its 220 in the clear was dropped; its capabilities are asked for anew
  // (RFC 3207 4.2).
  void tls_started();
  // The handshake failed, or the certificate is not the one that must be there: ends the session, `why` becomes the
  // text of those whose fate is open.
  void tls_failed(std::string_view why);
  // The connection failed, timed out or was closed by the peer, or the owner gives up: `why` becomes the text of the
  // recipients whose fate is open ("connection timed out").
  void lost(std::string_view why);
  // At wants::work, or at wants::body if can_chain(). At other times it waits for its turn; once the session has ended,
  // its outcomes are there at once.
  void begin(transaction t);
  void quit();  // at wants::work: sends QUIT and waits for its reply
  bool can_chain() const;
  void body_sent();  // before anything is fed that was read after the end of the data was written
  // The body could not be read from the spool: at wants::body. Ends the session without an end of data, so that the
  // peer can't take a part for the whole; the recipients are deferred with `why`.
  void body_failed(std::string_view why);
  // Before collect(): what was said in the oldest transaction, the opening of the session in front of the first. With
  // no transaction: the opening, if it was not taken.
  transcript take_transcript();
  std::vector<recipient_outcome> collect();  // in the order of transaction::recipients

  std::string take_output();
  std::string after_body();  // at wants::body
  // Append the same to `to`, for owners that keep one write buffer.
  void drain_output(std::string& to);
  void drain_after_body(std::string& to);
  stage waiting_for() const;  // which time-out applies (RFC 5321 4.5.3.2)
  bool ready() const;         // EHLO/HELO/LHLO was answered, and the login, if any
  bool peer_pipelines() const;
  bool peer_offers_starttls() const;  // in its last reply to EHLO
  bool peer_offers_requiretls() const;
  const reply& starttls_refusal() const;  // of a peer that had offered it; code 0: there was none
  bool peer_offers_dsn() const;  // else NOTIFY was not passed on, and a "relayed" report is ours (RFC 3461 5.2.2)
  bool peer_offers_deliverby() const;
  std::string_view peer_name() const;     // from its greeting; "" before
  std::uint64_t peer_size_limit() const;  // SIZE of its EHLO; 0: none
  // Why the session ended, or the refusal of the session itself (greeting 4xx/5xx, EHLO and HELO refused): then
  // transactions begun get this, at its stage.
  const recipient_outcome& closed_because() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace gonets::smtp
