#include "tls_policy/decision.h"

#include <array>

namespace gonets::tls_policy {
namespace {

policy of_level(level configured) {
  switch (configured) {
    case level::none:
      return policy::off;
    case level::required:
      return policy::required;
    case level::verified:
      return policy::verified;
    case level::opportunistic:
      break;
  }
  return policy::opportunistic;
}

bool enforced(const sts_policy* sts) {
  return sts != nullptr && sts->mode == sts_mode::enforce;
}

}  // namespace

demand decide(const domain_facts& of) {
  demand d;
  if (of.require_tls) {
    d.governs = policy::requiretls;
    d.dane = of.mx_secure;
    d.hosts_unproven = !of.mx_secure && !enforced(of.sts);
    return d;
  }
  d.governs = of_level(of.configured);
  if (d.governs == policy::off || of.tls_optional) return d;
  d.dane = of.mx_secure;
  if (enforced(of.sts)) d.governs = policy::sts;
  d.sts_testing = of.sts != nullptr && of.sts->mode == sts_mode::testing;
  return d;
}

std::string_view key_of(const demand& d) {
  struct words {
    std::string_view plain, dane, testing, dane_testing;
  };
  // By policy, in the order of the enum.
  static constexpr std::array<words, 8> all = {{
      {"", "", "", ""},
      {";tls=none", ";tls=none", ";tls=none", ";tls=none"},
      {"", ";tls=dane", ";tls=sts-testing", ";tls=dane+sts-testing"},
      {";tls=required", ";tls=dane+required", ";tls=required+sts-testing", ";tls=dane+required+sts-testing"},
      {";tls=verified", ";tls=dane+verified", ";tls=verified+sts-testing", ";tls=dane+verified+sts-testing"},
      {"", "", "", ""},
      {";tls=sts", ";tls=dane+sts", ";tls=sts", ";tls=dane+sts"},
      {";tls=requiretls", ";tls=dane+requiretls", ";tls=requiretls", ";tls=dane+requiretls"},
  }};
  const auto& w = all.at(static_cast<std::size_t>(d.governs));
  if (d.dane) return d.sts_testing ? w.dane_testing : w.dane;
  return d.sts_testing ? w.testing : w.plain;
}

std::optional<host_demand> decide_host(const demand& d, const host_tlsa& tlsa) {
  host_demand h;
  h.governs = d.governs;
  h.needs_requiretls = d.governs == policy::requiretls;
  const auto insist = [&h](verify_by how) {
    h.begin = begin_tls::required;
    h.verify = how;
    h.clear_on_failure = false;
  };
  switch (d.governs) {
    case policy::none:
    case policy::off:
      h.begin = begin_tls::never;
      return h;
    case policy::opportunistic:
      break;
    case policy::required:
      insist(verify_by::nothing);
      break;
    case policy::verified:
      insist(verify_by::names);
      h.domain_name_counts = true;
      break;
    case policy::dane:
    case policy::sts:
    case policy::requiretls:
      insist(verify_by::names);
      break;
  }
  if (!d.dane || tlsa.finding == tlsa_finding::none) return h;
  if (tlsa.finding == tlsa_finding::failed) return std::nullopt;
  h.tlsa_unusable = tlsa.finding == tlsa_finding::unusable;
  if (!h.tlsa_unusable) {
    insist(verify_by::dane);
    h.domain_name_counts = true;  // RFC 7672 3.2.2
  } else if (h.verify == verify_by::nothing) {
    insist(verify_by::nothing);
  }
  if (!h.needs_requiretls && (!h.tlsa_unusable || h.verify == verify_by::nothing)) h.governs = policy::dane;
  return h;
}

std::string_view to_text(proof p) {
  static constexpr std::array<std::string_view, 4> names = {"none", "pkix", "dane-ee", "dane-ta"};
  const auto number = static_cast<std::size_t>(p);
  return number < names.size() ? names[number] : std::string_view("unknown");
}

}  // namespace gonets::tls_policy
