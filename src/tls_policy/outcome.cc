#include "tls_policy/outcome.h"

#include <array>

namespace gonets::tls_policy {

std::string_view to_text(tls_result r) {
  static constexpr std::array<std::string_view, 12> names = {"success",
                                                             "starttls-not-supported",
                                                             "certificate-host-mismatch",
                                                             "certificate-expired",
                                                             "certificate-not-trusted",
                                                             "validation-failure",
                                                             "tlsa-invalid",
                                                             "dnssec-invalid",
                                                             "dane-required",
                                                             "sts-policy-fetch-error",
                                                             "sts-policy-invalid",
                                                             "sts-webpki-invalid"};
  const auto number = static_cast<std::size_t>(r);
  return number < names.size() ? names[number] : std::string_view("validation-failure");
}

std::string_view to_text(reported_policy p) {
  switch (p) {
    case reported_policy::tlsa:
      return "tlsa";
    case reported_policy::sts:
      return "sts";
    case reported_policy::no_policy_found:
      break;
  }
  return "no-policy-found";
}

}  // namespace gonets::tls_policy
