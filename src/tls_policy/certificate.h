// What a certificate says, whether a key is its own, and a self-signed one for development. PEM in and out; no files,
// no clock.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace gonets::tls_policy {

struct certificate_facts {
  std::vector<std::string> names;  // DNS names of the extension, else the common name; lower case, sorted
  std::string subject, issuer;     // common names; or empty
  wall_time not_before, not_after;
  std::string sha256;  // lower case hex
  bool self_signed = false;

  const std::string& name() const;  // of the first name, or the subject's: what to call it by
};
// Of the first certificate of a chain. The error is for people: "no certificate in PEM".
std::expected<certificate_facts, std::string> read_certificate(std::string_view pem);

// Empty when `key`, unencrypted PEM, is that of the certificate; else what is wrong.
std::string key_mismatch(std::string_view certificate_pem, std::string_view key_pem);

struct pem_pair {
  std::string certificate, key;
};
// P-256, for the names, valid from a day before `now`.
pem_pair make_self_signed(const std::vector<std::string>& names, wall_time now, std::chrono::days valid_for);

}  // namespace gonets::tls_policy
