// The local-parts of the feedback domain that are the same for the whole world: what is registered with providers, or
// stands in DNS, and names no message of ours. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace gonets::message {

enum class fixed_address : std::uint8_t {
  complaints,     // registered with feedback loops (RFC 5965)
  dmarc_reports,  // in rua= of DMARC records (RFC 7489)
  tls_reports     // in rua= of _smtp._tls records (RFC 8460)
};
std::string_view local_part_of(fixed_address a);
std::optional<fixed_address> parse_fixed_address(std::string_view local_part);  // case does not count

}  // namespace gonets::message
