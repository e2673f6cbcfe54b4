// Contexts: which protocols, ciphers and certificates are offered, and whom a client trusts.
#include "runtime/tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "base/text.h"
#include "runtime/detail/tls_context.h"
#include "tls_policy/certificate.h"

namespace gonets::runtime {

int remember_session(SSL* ssl, SSL_SESSION* session);  // tls_channel.cc

namespace {

// Mozilla's "intermediate", less finite-field Diffie-Hellman: all have forward secrecy and are authenticated ciphers.
constexpr const char* server_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// To a server whose certificate nobody looks at, weak keys are still better than none; who verifies raises the level.
constexpr const char* client_ciphers = "DEFAULT:!aNULL:@SECLEVEL=1";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr long client_session_seconds = 3600;
constexpr unsigned char session_scope[] = "gonets";

std::vector<std::string> names_in(const std::string& file) {
  std::ifstream from(file);
  const std::string pem{std::istreambuf_iterator<char>(from), {}};
  const auto facts = tls_policy::read_certificate(pem);
  return facts ? facts->names : std::vector<std::string>();
}

ssl_context_ptr make_native(const SSL_METHOD* method) {
  ssl_context_ptr made(SSL_CTX_new(method));
  if (!made) throw std::runtime_error("cannot make a TLS context: " + take_ssl_error("no memory"));
  auto* const context = made.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A connection that is idle holds no buffers; a write may be repeated from another place and in part.
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);  // a record in one system call, not its header first
  SSL_CTX_set1_groups_list(context, groups);
  return made;
}

int choose_certificate(SSL* ssl, int*, void* owner) {
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_OK;
  auto* const found = static_cast<const tls_context*>(owner)->context_for(to_lower(name));
  if (found != nullptr) SSL_set_SSL_CTX(ssl, found);
  return SSL_TLSEXT_ERR_OK;
}

ssl_context_ptr make_server_native(tls_context* owner, bool ask_client_certificate) {
  auto made = make_native(TLS_server_method());
  auto* const context = made.get();
  SSL_CTX_set_options(context, SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_cipher_list(context, server_ciphers);
  SSL_CTX_set_session_id_context(context, session_scope, sizeof session_scope - 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets: the client keeps the session
  SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(context, owner);
  if (ask_client_certificate) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(
        context, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
  }
  return made;
}

void use_files(SSL_CTX* context, const certificate_files& files) {
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    throw std::runtime_error("cannot use the certificate in " + files.certificate + ": " + take_ssl_error("no PEM"));
  }
  const bool usable = SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1;
  const auto reason = ERR_GET_REASON(ERR_peek_last_error());
  const bool other = !usable && (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH);
  if (!usable && !other) {
    throw std::runtime_error("cannot use the key in " + files.key + ": " + take_ssl_error("no PEM"));
  }
  if (other || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    throw std::runtime_error("the key in " + files.key + " does not belong to the certificate in " + files.certificate);
  }
}

}  // namespace

std::string take_ssl_error(std::string_view otherwise) {
  const auto code = ERR_peek_error();
  ERR_clear_error();
  if (code == 0) return std::string(otherwise);
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(static_cast<int>(ERR_GET_REASON(code)));
  const char* const text = ERR_reason_error_string(code);
  return text != nullptr ? text : std::string(otherwise);
}

SSL_CTX* tls_context::context_for(std::string_view server_name) const {
  auto at = by_name.find(std::string(server_name));
  if (at == by_name.end()) {
    const auto dot = server_name.find('.');
    if (dot == server_name.npos) return nullptr;
    at = by_name.find("*" + std::string(server_name.substr(dot)));
  }
  return at == by_name.end() ? nullptr : at->second;
}

tls_context_ptr make_server_tls(const server_tls_options& with) {
  if (with.certificates.empty()) throw std::runtime_error("TLS needs a certificate");
  auto made = std::make_shared<tls_context>(0);
  struct known {
    std::vector<std::string> names;
    int key_type;
    SSL_CTX* context;
  };
  std::vector<known> all;
  for (const auto& files : with.certificates) {
    auto fresh = make_server_native(made.get(), with.ask_client_certificate);
    use_files(fresh.get(), files);
    auto* const certificate = SSL_CTX_get0_certificate(fresh.get());
    auto names = names_in(files.certificate);
    const int key_type = EVP_PKEY_get_base_id(X509_get0_pubkey(certificate));
    const auto twin = std::ranges::find_if(all, [&](const known& k) {
      return k.names == names && std::ranges::none_of(all, [&](const known& other) {
               return other.context == k.context && other.key_type == key_type;
             });
    });
    if (twin != all.end()) {
      auto* const shared = twin->context;
      use_files(shared, files);
      all.push_back({std::move(names), key_type, shared});
      continue;
    }
    for (const auto& name : names)
      made->by_name.emplace(name, fresh.get());
    all.push_back({std::move(names), key_type, fresh.get()});
    made->contexts.push_back(std::move(fresh));
  }
  return made;
}

tls_context_ptr make_client_tls(const client_tls_options& with) {
  auto made = std::make_shared<tls_context>(with.sessions_max);
  made->contexts.push_back(make_native(TLS_client_method()));
  auto* const context = made->native();
  SSL_CTX_set_cipher_list(context, client_ciphers);
  SSL_CTX_dane_enable(context);
  SSL_CTX_set_timeout(context, client_session_seconds);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, remember_session);
  ERR_clear_error();
  if (with.ca_file.empty() && with.ca_folder.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1) {
      throw std::runtime_error("cannot read the system's CA certificates: " + take_ssl_error("unknown"));
    }
    return made;
  }
  const auto* const file = with.ca_file.empty() ? nullptr : with.ca_file.c_str();
  const auto* const folder = with.ca_folder.empty() ? nullptr : with.ca_folder.c_str();
  if (SSL_CTX_load_verify_locations(context, file, folder) != 1) {
    throw std::runtime_error("cannot read the CA certificates in " + (file ? with.ca_file : with.ca_folder) + ": " +
                             take_ssl_error("no PEM"));
  }
  return made;
}

// ---- sessions -----------------------------------------------------------------------------------------------------

session_cache::found session_cache::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return {};
  if (SSL_SESSION_is_resumable(at->second->session.get()) != 1) return {};
  entries_.splice(entries_.begin(), entries_, at->second);
  return {session_ptr(SSL_SESSION_dup(at->second->session.get())), at->second->verified_by};
}

void session_cache::put(const std::string& key, session_ptr session, tls_facts::proof verified_by) {
  const std::lock_guard lock(mutex_);
  const auto at = by_key_.find(key);
  if (at != by_key_.end()) {
    at->second->session = std::move(session);
    at->second->verified_by = verified_by;
    return;
  }
  if (sessions_max_ == 0) return;
  if (entries_.size() >= sessions_max_) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({key, std::move(session), verified_by});
  by_key_.emplace(entries_.front().key, entries_.begin());
}

void session_cache::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return;
  const auto gone = at->second;
  by_key_.erase(at);
  entries_.erase(gone);
}

// ---- words --------------------------------------------------------------------------------------------------------

std::string_view to_text(tls_facts::proof p) {
  static constexpr std::array<std::string_view, 4> words = {"none", "pkix", "dane-ee", "dane-ta"};
  return words[static_cast<std::size_t>(p)];
}

}  // namespace gonets::runtime
