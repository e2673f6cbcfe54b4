// TLS-RPT (RFC 8460): who wants reports, and the report, as JSON and as mail. Pure.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "tls_policy/outcome.h"

namespace gonets::tls_policy {

inline constexpr std::size_t report_uris_max = 8;

struct report_uri {
  enum class scheme : std::uint8_t { mailto, https } how = scheme::mailto;
  std::string to;  // the address of mailto, unescaped; all of an https URL
  bool operator==(const report_uri&) const = default;
};

// Where the `_smtp._tls` TXT records of a domain ask reports to be sent to, at most report_uris_max. Empty when none,
// several or an incorrect one asks (RFC 8460 3); URIs that can't be used are left out.
std::vector<report_uri> report_uris(const std::vector<std::string>& records);

std::optional<tls_result> parse_tls_result(std::string_view text);
std::optional<reported_policy> parse_reported_policy(std::string_view text);

struct report_failure {
  tls_result what = tls_result::validation_failure;
  std::string sending_ip, receiving_host, receiving_ip;  // empty: not known
  std::string reason;                                    // failure-reason-code: free text
  std::uint64_t sessions = 0;
};

// One policy of one domain that was met on the day.
struct policy_results {
  reported_policy kind = reported_policy::no_policy_found;
  std::vector<std::string> lines;     // of the MTA-STS policy, or the TLSA records
  std::vector<std::string> mx_hosts;  // patterns of the MTA-STS policy
  std::uint64_t successes = 0;
  std::vector<report_failure> failures;
};

struct report {
  std::string organization, contact, submitter;  // submitter: our domain
  std::string domain;                            // the recipient domain
  std::string id;                                // unique to us
  std::chrono::sys_days day;                     // UTC
  std::vector<policy_results> policies;
};

std::string report_json(const report& r);

// gzip (RFC 1952), without a name or a time in it.
std::string gzip(std::string_view bytes);

// "submitter!domain!begin!end!id.json.gz" (RFC 8460 5.1)
std::string report_file_name(const report& r);

struct report_mail {
  std::string from, to;
  wall_time now{};
  std::uint64_t random = 0;  // for the MIME boundary
};
// The whole message, header and body, as RFC 8460 5.3 wants it: CRLF, ASCII, lines within 78 octets where the parts
// allow. `compressed` is the gzip of the JSON. It has "TLS-Required: No" (RFC 8689), since a report on broken TLS
// must arrive in spite of it.
std::string compose_report_mail(const report& r, const report_mail& with, std::string_view compressed);

}  // namespace gonets::tls_policy
