// What others report of mail in a sender domain's name. Values; all text is UTF-8 without control characters.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"

namespace gonets::aggregate {

struct report_limits {
  std::size_t rows_max = 20'000;  // of one report; one with more is not read
  std::size_t depth_max = 32;     // of elements, or of JSON
  std::size_t json_bytes_max = 2u << 20;
  std::size_t text_bytes_max = 1000;            // of one value; names and addresses are shorter
  std::uint64_t count_max = 1'000'000'000'000;  // of one row; more is taken as so many
};

struct report_head {
  std::string reporter;  // org_name, organization-name
  std::string id;        // the reporter's own
  wall_time begin{}, end{};
};

// How mail from one address fared. RFC 7489 7.2, appendix C.
struct dmarc_row {
  std::string source;       // address
  std::string disposition;  // none, quarantine, reject
  std::string dkim, spf;    // pass, fail: whether a domain that passed aligned with From
  std::string header_from;  // lower case
  std::uint64_t messages = 0;
  bool operator==(const dmarc_row&) const = default;
};

struct dmarc_report {
  report_head head;
  std::string domain;  // whose policy it is about; lower case
  std::vector<dmarc_row> rows;
};

// RFC 8460 4.4. Without `result`: sessions that went well.
struct tls_row {
  std::string domain;   // policy-domain; lower case
  std::string policy;   // sts, tlsa, no-policy-found
  std::string result;   // "success", or a result-type: certificate-expired...
  std::string mx_host;  // of failures; empty: not told
  std::string sending_ip, receiving_ip, reason;
  std::uint64_t sessions = 0;
  bool operator==(const tls_row&) const = default;
};

struct tls_report {
  report_head head;
  std::vector<tls_row> rows;
};

}  // namespace gonets::aggregate
