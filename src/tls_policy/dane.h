// DANE for SMTP (RFC 7672): what TLSA records ask of a mail host. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::tls_policy {

struct tlsa_record {
  std::uint8_t usage = 0, selector = 0, matching = 0;
  std::string data;  // as in the record, not in hex
  bool operator==(const tlsa_record&) const = default;
};

// From a record's data (RFC 6698 2.1); nothing for what is cut short.
std::optional<tlsa_record> parse_tlsa(std::string_view rdata);
// "3 1 1 4E1E..."
std::string to_text(const tlsa_record& r);

// Whether a client can do something with it: usages DANE-TA(2) and DANE-EE(3) (RFC 7672 3.1.3 has no use for the PKIX
// ones), selectors and matching types that are defined, digests of the right length, certificates and keys of any.
bool usable(const tlsa_record& r);

// "_25._tcp.mx.example.com"
std::string tlsa_name(std::string_view host, std::uint16_t port);

// What DNS said of a host, as far as DANE cares.
enum class tlsa_finding : std::uint8_t {
  none,      // no records, or none that DNSSEC vouches for: DANE does not apply
  usable,    // TLS with a certificate that one of the records vouches for
  unusable,  // records, none of which can be used: TLS, whoever the certificate is from (RFC 7672 2.2)
  failed     // the look-up failed, so that an attacker may hide the records: the host must not be used now (2.1.1)
};

struct host_tlsa {
  tlsa_finding finding = tlsa_finding::none;
  std::vector<tlsa_record> records;  // usable: those that are
  std::string base;                  // the TLSA base domain, whose name a certificate under usage 2 bears
  std::string detail;                // failed: why, for people
};

// Of the records of one validated answer.
host_tlsa judge(std::vector<tlsa_record> records, std::string base);

}  // namespace gonets::tls_policy
