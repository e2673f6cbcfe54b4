// MTA-STS (RFC 8461) as it comes from outside: the record that announces a policy, and the policy's file. Pure.
#pragma once
#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tls_policy/sts_policy.h"

namespace gonets::tls_policy {

// The id of the `_mta-sts` TXT records of a domain (each with its strings joined). Nothing when none, several or an
// incorrect one announces a policy (RFC 8461 3.1): the domain then has none to be fetched.
std::optional<std::string> sts_record_id(const std::vector<std::string>& records);

inline constexpr std::size_t sts_policy_bytes_max = 65'536;  // RFC 8461 3.3
inline constexpr std::size_t sts_patterns_max = 256;
inline constexpr std::chrono::seconds sts_age_max{31'557'600};  // RFC 8461 3.2

// The policy file (RFC 8461 3.2). Lines may end in LF alone, and the last need not end. Of a field that comes twice,
// the first counts. The result has no id, which is the record's; its lines are what was understood. The error is for
// reports.
std::expected<sts_policy, std::string> parse_sts_policy(std::string_view text);
std::string_view to_text(sts_mode m);

}  // namespace gonets::tls_policy
