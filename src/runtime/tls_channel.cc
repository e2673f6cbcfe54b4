#include "runtime/detail/tls_channel.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace gonets::runtime {
namespace {

constexpr std::size_t record_bytes_max = SSL3_RT_MAX_PLAIN_LENGTH;
// What a client that verifies accepts: keys and signatures of 112 bits at least. (RSA 2048, SHA-256)
constexpr int verifying_security_level = 2;

std::string lower_hex(std::span<const unsigned char> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto b : bytes) {
    text += digits[b >> 4];
    text += digits[b & 15];
  }
  return text;
}

tls_result result_of(long verify_error) {
  switch (verify_error) {
    case X509_V_OK:
      return tls_result::success;
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return tls_result::certificate_host_mismatch;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return tls_result::certificate_expired;
    case X509_V_ERR_DANE_NO_MATCH:
      return tls_result::tlsa_invalid;
    case X509_V_ERR_OUT_OF_MEM:
    case X509_V_ERR_UNSPECIFIED:
      return tls_result::validation_failure;
    default:
      return tls_result::certificate_not_trusted;
  }
}

// Sessions are kept apart by all that was demanded: what is resumed is not verified again.
std::string cache_key(const client_handshake& wanted) {
  if (wanted.session_key.empty()) return {};
  std::string key = wanted.session_key;
  const auto add = [&key](std::string_view part) {
    key += '\n';
    key += part;
  };
  add(std::to_string(static_cast<int>(wanted.verify)));
  add(wanted.server_name);
  for (const auto& name : wanted.names)
    add(name);
  for (const auto& r : wanted.tlsa) {
    add({});
    key += std::to_string(r.usage) + ' ' + std::to_string(r.selector) + ' ' + std::to_string(r.matching) + ' ';
    key += lower_hex({reinterpret_cast<const unsigned char*>(r.data.data()), r.data.size()});
  }
  return key;
}

}  // namespace

// OpenSSL hands a session over when it is complete: with TLS 1.3 that is during a read, after the handshake.
int remember_session(SSL* ssl, SSL_SESSION* session) {
  auto* const channel = static_cast<tls_channel*>(SSL_get_app_data(ssl));
  if (channel->session_key_.empty()) return 0;
  channel->context_->sessions.put(channel->session_key_, session_ptr(session), channel->proof_now());
  return 1;  // ours now
}

tls_channel::tls_channel(tls_context_ptr context, const client_handshake* wanted, int socket)
    : context_(std::move(context)), ssl_(SSL_new(context_->native())), client_(wanted != nullptr) {
  if (!ssl_ || SSL_set_fd(ssl_.get(), socket) != 1) throw std::bad_alloc();
  SSL_set_app_data(ssl_.get(), this);
  if (wanted == nullptr) {
    SSL_set_accept_state(ssl_.get());
    return;
  }
  SSL_set_connect_state(ssl_.get());
  demand(*wanted);
}

void tls_channel::demand(const client_handshake& wanted) {
  auto* const ssl = ssl_.get();
  using verification = client_handshake::verification;
  if (!wanted.server_name.empty()) SSL_set_tlsext_host_name(ssl, wanted.server_name.c_str());
  if (wanted.verify == verification::dane) demand_dane(wanted);
  // The subject's common name is no name of a host but in DANE, which knows it still (RFC 7672 3.2.3).
  const unsigned subject = wanted.verify == verification::dane ? 0 : X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | subject);
  for (const auto& name : wanted.names)
    SSL_add1_host(ssl, name.c_str());
  wants_names_ = !wanted.names.empty();
  names_ = wanted.names;
  const bool strict = wanted.verify != verification::none && !tlsa_unusable_;
  if (strict) SSL_set_security_level(ssl, verifying_security_level);
  // Without SSL_VERIFY_PEER the certificate is looked at all the same, and the handshake goes on.
  SSL_set_verify(ssl, strict ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  session_key_ = cache_key(wanted);
  if (session_key_.empty()) return;
  auto known = context_->sessions.find(session_key_);
  if (!known.session) return;
  SSL_set_session(ssl, known.session.get());
  resumed_proof_ = known.verified_by;
}

void tls_channel::demand_dane(const client_handshake& wanted) {
  constexpr std::uint8_t dane_ta = 2, dane_ee = 3;
  auto* const ssl = ssl_.get();
  const auto* const base = !wanted.names.empty() ? wanted.names.front().c_str() : wanted.server_name.c_str();
  bool usable = false;
  if (SSL_dane_enable(ssl, base) == 1) {
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);  // RFC 7672 3.1.1
    for (const auto& r : wanted.tlsa) {
      if (r.usage != dane_ta && r.usage != dane_ee) continue;  // RFC 7672 3.1.3
      usable |= SSL_dane_tlsa_add(ssl, r.usage, r.selector, r.matching,
                                  reinterpret_cast<const unsigned char*>(r.data.data()), r.data.size()) == 1;
    }
  }
  ERR_clear_error();
  tlsa_unusable_ = !usable;
}

tls_channel::step tls_channel::outcome(int returned) {
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return step::want_read;
    case SSL_ERROR_WANT_WRITE:
      return step::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return step::ended;
    case SSL_ERROR_SSL: {
      broken_ = true;
      const auto code = ERR_peek_last_error();
      const bool cut = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
      return cut ? step::ended : step::failed;
    }
    default:
      broken_ = true;
      return step::failed;
  }
}

tls_channel::step tls_channel::handshake() {
  ERR_clear_error();
  errno = 0;
  const int returned = SSL_do_handshake(ssl_.get());
  if (returned == 1) {
    ready_ = true;
    return step::done;
  }
  const auto s = outcome(returned);
  if (s == step::ended || s == step::failed) note_failure(s);
  return s;
}

void tls_channel::note_failure(step s) {
  const auto verify_error = SSL_get_verify_result(ssl_.get());
  const auto code = ERR_peek_last_error();
  const int system_error = errno;
  // What was resumed may be what the peer stumbled over.
  if (!session_key_.empty()) context_->sessions.forget(session_key_);
  if (client_ && ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    ERR_clear_error();
    failure_ = {result_of(verify_error), true, false, X509_verify_cert_error_string(verify_error)};
    return;
  }
  const auto otherwise =
      system_error != 0 ? std::string(std::strerror(system_error)) : "the connection was closed during the handshake";
  failure_.why = s == step::ended ? "the connection was closed during the handshake" : take_ssl_error(otherwise);
  ERR_clear_error();
}

tls_channel::step tls_channel::read(std::span<char> into, std::size_t& bytes) {
  bytes = 0;
  ERR_clear_error();
  const int returned = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
  return returned == 1 ? step::done : outcome(returned);
}

tls_channel::step tls_channel::write(std::span<const std::string_view> parts, std::size_t& sent) {
  // Small parts are put together: a record, and with it a system call, for each would cost more than the copy.
  static thread_local std::array<char, record_bytes_max> record;
  sent = 0;
  if (broken_) return step::failed;
  std::size_t part = 0, offset = 0;
  for (;;) {
    while (part < parts.size() && offset == parts[part].size())
      ++part, offset = 0;
    if (part == parts.size()) return step::done;
    std::string_view next = parts[part].substr(offset, record_bytes_max);
    if (next.size() < record_bytes_max && part + 1 < parts.size()) {
      std::size_t filled = 0, from = offset;
      for (std::size_t i = part; i < parts.size() && filled < record_bytes_max; ++i, from = 0)
        filled += parts[i].copy(record.data() + filled, record_bytes_max - filled, from);
      next = {record.data(), filled};
    }
    std::size_t written = 0;
    ERR_clear_error();
    const int returned = SSL_write_ex(ssl_.get(), next.data(), next.size(), &written);
    if (returned != 1) return outcome(returned);
    sent += written;
    while (written > 0) {
      const auto here = std::min(written, parts[part].size() - offset);
      written -= here;
      offset += here;
      if (offset == parts[part].size()) ++part, offset = 0;
    }
  }
}

void tls_channel::close_notify() {
  if (!ready_ || broken_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

tls_facts::proof tls_channel::proof_now() const {
  using proof = tls_facts::proof;
  auto* const ssl = ssl_.get();
  if (SSL_session_reused(ssl) == 1) return resumed_proof_;
  if (SSL_get_verify_result(ssl) != X509_V_OK || SSL_get0_peer_certificate(ssl) == nullptr) return proof::none;
  if (SSL_get0_dane_authority(ssl, nullptr, nullptr) >= 0) {
    std::uint8_t usage = 0;
    SSL_get0_dane_tlsa(ssl, &usage, nullptr, nullptr, nullptr, nullptr);
    return usage == 3 ? proof::dane_ee : proof::dane_ta;
  }
  return wants_names_ ? proof::pkix : proof::none;
}

// The first of those asked for that the certificate bears.
std::string tls_channel::name_borne() const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  const auto found = std::ranges::find_if(names_, [&](const std::string& name) {
    return X509_check_host(certificate, name.c_str(), name.size(),
                           X509_VERIFY_PARAM_get_hostflags(SSL_get0_param(ssl_.get())), nullptr) == 1;
  });
  return found == names_.end() ? std::string() : *found;
}

tls_facts tls_channel::facts() const {
  tls_facts f;
  auto* const ssl = ssl_.get();
  if (!ready_) return f;
  f.protocol = SSL_get_version(ssl);
  f.cipher = SSL_get_cipher_name(ssl);
  f.cipher_bits = SSL_get_cipher_bits(ssl, nullptr);
  f.resumed = SSL_session_reused(ssl) == 1;
  if (client_) {
    f.verified_by = proof_now();
    f.verified_name = name_borne();
    f.tlsa_unusable = tlsa_unusable_;
    if (f.verified_by != tls_facts::proof::none) return f;
    const auto error = SSL_get_verify_result(ssl);
    f.unverified = result_of(error);
    if (error != X509_V_OK) f.unverified_why = X509_verify_cert_error_string(error);
    return f;
  }
  if (X509* const certificate = SSL_get0_peer_certificate(ssl)) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1) {
      f.client_certificate = lower_hex({digest.data(), size});
    }
  }
  return f;
}

}  // namespace gonets::runtime
