// One TLS connection over a socket that does not block: each step does what can be done now, and says what to wait for.
// Knows no event loop; the stream that owns it does the waiting.
#pragma once
#include <span>
#include <string_view>

#include "runtime/detail/tls_context.h"

namespace gonets::runtime {

class tls_channel {
 public:
  // done: the step is complete. want_*: repeat it when the socket can be read or written. ended: the peer has closed.
  enum class step : std::uint8_t { done, want_read, want_write, ended, failed };

  // As a server, or as a client when `wanted` is given.
  tls_channel(tls_context_ptr context, const client_handshake* wanted, int socket);
  tls_channel(const tls_channel&) = delete;
  tls_channel& operator=(const tls_channel&) = delete;

  step handshake();
  // Why handshake() gave ended or failed.
  tls_failure failure() const { return failure_; }
  tls_facts facts() const;

  step read(std::span<char> into, std::size_t& bytes);
  // Something has been received and not yet read: a wait for the socket may be in vain.
  bool has_received() const { return SSL_has_pending(ssl_.get()) == 1; }
  // `sent` tells what went. After want_*, the next call must begin with the bytes that did not.
  step write(std::span<const std::string_view> parts, std::size_t& sent);
  // Tells the peer that nothing more comes, as far as the socket takes it at once.
  void close_notify();

 private:
  friend int remember_session(SSL* ssl, SSL_SESSION* session);
  void demand(const client_handshake& wanted);
  void demand_dane(const client_handshake& wanted);
  step outcome(int returned);
  void note_failure(step s);
  tls_facts::proof proof_now() const;
  std::string name_borne() const;

  const tls_context_ptr context_;
  ssl_ptr ssl_;
  const bool client_;
  bool wants_names_ = false;
  bool tlsa_unusable_ = false;
  bool ready_ = false;   // the handshake is done
  bool broken_ = false;  // after a fatal error nothing may be sent any more
  std::string session_key_;
  std::vector<std::string> names_;
  tls_facts::proof resumed_proof_ = tls_facts::proof::none;
  tls_failure failure_;
};

}  // namespace gonets::runtime
