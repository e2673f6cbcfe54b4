// The DKIM-Signature field (RFC 6376 3.5), read. Pure; any bytes are survived.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dkim/canonical.h"
#include "dkim/key.h"

namespace gonets::dkim {

struct signature {
  algorithm kind = algorithm::rsa_sha256;
  std::string domain;    // d=, as written
  std::string selector;  // s=
  std::string identity;  // i=; "@domain" when absent
  canonicalization header = canonicalization::simple;
  canonicalization body = canonicalization::simple;
  std::vector<std::string> fields;           // h=, in the order of signing
  std::string body_hash;                     // bh=, decoded
  std::string bytes;                         // b=, decoded
  std::optional<std::uint64_t> body_length;  // l=
  std::optional<std::int64_t> signed_at;     // t=, seconds since 1970
  std::optional<std::int64_t> expires_at;    // x=
};

// The value of a DKIM-Signature field. The error is a sentence for a report.
std::expected<signature, std::string> parse_signature(std::string_view value);

// `value` without what stands in its b= tag; the rest untouched (RFC 6376 3.7).
std::string without_signature_bytes(std::string_view value);

}  // namespace gonets::dkim
