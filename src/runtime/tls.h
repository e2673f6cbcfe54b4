// TLS as the rest of the server sees it: what a context is made from, what a client wants to see proved, and what came
// of a handshake. The handshakes themselves are started on a `stream`.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tls_policy/dane.h"
#include "tls_policy/outcome.h"

namespace gonets::runtime {

class tls_context;  // immutable but for its cache of sessions; shared by all shards
using tls_context_ptr = std::shared_ptr<tls_context>;

struct certificate_files {
  std::string certificate, key;  // PEM; the certificate with its chain behind it
};

struct server_tls_options {
  // The client's server name picks one by the names in the certificates, a name before a wildcard; the first is for
  // those who name none or another. Two with the same names and different kinds of keys (RSA, EC) are offered together.
  std::vector<certificate_files> certificates;
  // Asks for a certificate and takes any or none: whose it is, is for others to know (tls_facts::client_certificate).
  bool ask_client_certificate = false;
};
// TLS 1.2 with ephemeral keys and AEAD ciphers, and TLS 1.3. Throws std::runtime_error with the file and what is wrong.
tls_context_ptr make_server_tls(const server_tls_options& with);

struct client_tls_options {
  std::string ca_file, ca_folder;     // who is trusted; both empty: whom the system trusts
  std::size_t sessions_max = 10'000;  // remembered for resumption
};
// Throws std::runtime_error when the CAs can't be read.
tls_context_ptr make_client_tls(const client_tls_options& with);

using tls_policy::tls_result;

struct tls_failure {
  tls_result result = tls_result::validation_failure;  // in a report's words; what it can't tell apart is this
  // It was us who refused the peer's certificate. Else the protocol broke, and the peer's TLS may be of no use at all.
  bool refused_by_us = false;
  bool timed_out = false;
  std::string why;  // for people: "certificate has expired", "no protocols available"
};

using tls_policy::tlsa_record;

struct client_handshake {
  enum class verification : std::uint8_t {
    none,   // any certificate will do; the facts still tell whether it would have been good by `names`
    names,  // a chain to a trusted CA, and one of the names (RFC 5280, RFC 6125; a wildcard is a whole leftmost label)
    dane    // one of the records (RFC 7672: usages 2 and 3 count, the names with 2 only). No record that can be used:
            // none.
  };
  std::string server_name;  // told to the server (SNI); empty: nothing
  verification verify = verification::none;
  std::vector<std::string> names;
  std::vector<tlsa_record> tlsa;
  // Sessions are resumed with the same key and the same demands only. Empty: no resumption.
  std::string session_key;
};

struct tls_facts {
  enum class proof : std::uint8_t { none, pkix, dane_ee, dane_ta };
  std::string protocol;  // "TLSv1.3"; empty: no TLS
  std::string cipher;    // "TLS_AES_256_GCM_SHA384"
  int cipher_bits = 0;
  bool resumed = false;
  // ---- a client's: of the server's certificate
  proof verified_by = proof::none;
  std::string verified_name;  // the first of client_handshake::names that the certificate bears; empty: none
  tls_result unverified = tls_result::success;  // with `none`: why a client that cares would have refused it
  std::string unverified_why;
  bool tlsa_unusable = false;  // dane was asked for, and no record could be used (RFC 7672 2.2)
  // ---- a server's
  std::string client_certificate;  // SHA-256 in lower case hex of the one that the client proved to hold; or empty
};
std::string_view to_text(tls_facts::proof p);  // "none", "pkix", "dane-ee", "dane-ta"

}  // namespace gonets::runtime
