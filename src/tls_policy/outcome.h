// How TLS went in one session, in the words of RFC 8460 4.3.
#pragma once
#include <cstdint>
#include <string_view>

namespace gonets::tls_policy {

enum class tls_result : std::uint8_t {
  success,
  starttls_not_supported,
  certificate_host_mismatch,
  certificate_expired,
  certificate_not_trusted,
  validation_failure,
  tlsa_invalid,
  dnssec_invalid,
  dane_required,
  sts_policy_fetch_error,
  sts_policy_invalid,
  sts_webpki_invalid
};
std::string_view to_text(tls_result r);  // "starttls-not-supported"; "success" for none of them

// RFC 8460 4.4, policy-type.
enum class reported_policy : std::uint8_t { no_policy_found, tlsa, sts };
std::string_view to_text(reported_policy p);  // "no-policy-found"

}  // namespace gonets::tls_policy
