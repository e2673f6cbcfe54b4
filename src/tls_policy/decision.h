// What the mail of a domain asks of the connections that carry it, and what that means for each mail host. Pure:
// levels, DNSSEC, TLSA records and MTA-STS policies in; how to begin TLS, what to verify, and what to do when it fails,
// out.
//
// DANE outranks MTA-STS (RFC 8461 2) where it comes to a host's certificate; which hosts are used at all is for the
// policy to say. Both outrank a configured level that asks for less. A level of `none` and a
// message that says "TLS-Required: No" (RFC 8689 5) switch both off; a message with REQUIRETLS outranks all.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tls_policy/dane.h"
#include "tls_policy/level.h"
#include "tls_policy/outcome.h"
#include "tls_policy/sts_policy.h"

namespace gonets::tls_policy {

struct domain_facts {
  level configured = level::opportunistic;
  bool mx_secure = false;           // DNSSEC vouches for its mail hosts, and DANE is switched on
  const sts_policy* sts = nullptr;  // null: none, or MTA-STS is switched off
  bool require_tls = false;         // of the message: REQUIRETLS
  bool tls_optional = false;        // of the message: "TLS-Required: No"
};

// What the mail of a domain asks for. Equal demands to equal hosts may share connections.
struct demand {
  policy governs = policy::opportunistic;  // where no TLSA records apply
  bool dane = false;                       // the hosts' TLSA records apply
  bool sts_testing = false;                // a policy in testing: as without, but told in reports
  // REQUIRETLS: what finds the hosts is not protected either, so that no host is fit for it (RFC 8689 4.2.1).
  bool hosts_unproven = false;
  bool operator==(const demand&) const = default;
};
demand decide(const domain_facts& of);
// Part of the name of a site: ";tls=dane+sts"; empty for the plain opportunistic.
std::string_view key_of(const demand& d);

enum class begin_tls : std::uint8_t { never, if_offered, required };
enum class verify_by : std::uint8_t { nothing, names, dane };

struct host_demand {
  policy governs = policy::opportunistic;
  begin_tls begin = begin_tls::if_offered;
  verify_by verify = verify_by::nothing;
  // A certificate must bear one of the names, or with DANE the base domain: the host's own alone, or that of the
  // recipients' domain as well.
  bool domain_name_counts = false;
  bool clear_on_failure = true;  // where TLS breaks, the mail goes in the clear
  bool tlsa_unusable = false;    // told in reports
  bool needs_requiretls = false;
};
// Nothing: the host must not be used now, since its TLSA records can't be had.
std::optional<host_demand> decide_host(const demand& d, const host_tlsa& tlsa);

// What the certificate of a connection was proved by.
enum class proof : std::uint8_t { none = 0, pkix = 1, dane_ee = 2, dane_ta = 3 };  // stored
std::string_view to_text(proof p);  // "none", "pkix", "dane-ee", "dane-ta"

}  // namespace gonets::tls_policy
