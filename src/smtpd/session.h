// One SMTP connection: moves bytes between a stream and the protocol machine, and asks intake. Lives on one shard;
// owned by its callbacks, and listed by the server so that it can be told to stop.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "auth/dialogue.h"
#include "config/settings.h"
#include "intake/intake.h"
#include "metrics/tls_counts.h"
#include "runtime/stream.h"
#include "runtime/wheel.h"
#include "smtp/server_session.h"
#include "spool/spool.h"

namespace gonets::smtpd {

// What all sessions of a listener share. A reload makes a new one; sessions go on with the one that they began with.
struct listener_state {
  config::listener with;
  config::settings::smtp_section limits;
  std::size_t connections_max = 0, connections_per_address_max = 0;
  smtp::server_options protocol;
  runtime::tls_context_ptr tls;  // null: none is offered
  bool implicit_tls = false;     // from the first byte
};
using listener_ptr = std::shared_ptr<const listener_state>;

struct session_environment {
  intake::intake& intake;
  spool::spool& store;
  auth::authenticator& auth;
  runtime::shards& shards;
  const clock& time;
  metrics::counter& replies_5xx;
  metrics::tls_counts& handshakes;
};

class session;
// Counts connections; admits or refuses by the real peer's address.
class gate {
 public:
  virtual ~gate() = default;
  virtual std::optional<reply> enter(const listener_state& at, const runtime::peer_address& peer) = 0;
  virtual void leave(session& s, const runtime::peer_address& peer, bool entered) = 0;
};

class session : public std::enable_shared_from_this<session> {
 public:
  session(std::size_t shard, runtime::stream_ptr stream, listener_ptr listener, session_environment env, gate& door);
  ~session();
  void start();
  void shut_down();
  // The directory of accounts has changed: a connection whose credential is gone is closed, an idle one at once, one
  // whose message is being made safe after its 250.
  void recheck();
  std::size_t shard() const { return shard_; }

 private:
  void read_proxy_header();
  void on_proxy_bytes(std::string_view bytes, runtime::io_error error);
  void greet();
  void read();
  void on_read(std::string_view bytes, runtime::io_error error);
  void run();
  bool flush();  // false: continues later by itself
  void start_tls();
  void on_tls(const std::optional<runtime::tls_failure>& failure);
  void close();

  void offer_auth();
  bool locked_out() const;
  void offer_schedule();
  std::optional<reply> plan_message();  // the refusal, or nothing
  void on_auth();
  void on_auth_answer(auth::answer a);
  void tell_auth_answer(auth::answer a);
  void become(auth::identity who);
  bool is_revoked() const;
  void end_revoked();

  void on_mail();
  void on_rcpt();
  void on_data();
  void on_chunk();
  void on_message();
  void on_abandon();
  bool begin_message(std::string& first);
  void store_chunk(std::string part, bool last);
  void finish_message();
  void refuse(const reply& r);

  const std::size_t shard_;
  runtime::stream_ptr stream_;
  const listener_ptr listener_;
  session_environment env_;
  gate& gate_;
  smtp::server_session protocol_;
  intake::source source_;
  runtime::peer_address peer_;
  std::string_view in_;      // into the stream's buffer: what was read and not yet consumed
  std::string proxy_bytes_;  // the header, and what followed it in the same packet
  std::string out_;
  std::optional<intake::composed> composed_;  // of the message that is being received
  std::optional<reply> refused_;              // why the message under way will be refused at its end
  struct plan {
    wall_time release_at{}, deliver_by{};
    bool by_return = false, by_trace = false;
  };
  plan plan_;                 // of the message under way
  std::uint32_t chunks_ = 0;  // handed to the spool
  std::size_t left_out_ = 0;  // bytes of the header that are not sent on
  bool ends_in_crlf_ = true;  // what was handed to the spool so far
  auth::caller caller_;
  std::unique_ptr<auth::dialogue> dialogue_;  // while AUTH is under way
  std::optional<auth::identity> identity_;    // after it
  std::optional<runtime::deadline> penalty_;  // before a refusal is told
  steady_time began_;
  bool entered_ = false;
  bool closing_ = false;
  bool handshaking_ = false;  // from STARTTLS, or the connection, until TLS is there
  bool waiting_ = false;      // for the spool or the authenticator: shut_down must not interfere
  bool writing_ = false;      // for the client to take what was said
  bool in_auth_ = false;      // the authenticator is being called: an answer now is taken up by the loop
  bool revoked_ = false;
};

}  // namespace gonets::smtpd
