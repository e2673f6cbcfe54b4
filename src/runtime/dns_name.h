// Domain names between their forms: what users write, what is asked in DNS, what an answer carries. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gonets::runtime {

// The name as A-labels in lower case, without the trailing dot (RFC 5890, UTS 46 non-transitional). Nothing if it is no
// name to ask for: an empty label, one over 63 octets, over 253 in all, or other than letters, digits, '-' and '_'.
std::optional<std::string> to_a_labels(std::string_view name);

// A name of A-labels as people write it. Nothing if it has none, or one that stands for no U-label.
std::optional<std::string> to_u_labels(std::string_view name);

// An uncompressed name of rdata (RFC 1035 3.1), in the same form; the root is "". Octets that a host name cannot hold
// are written \DDD, which to_a_labels refuses. Nothing if `wire` ends early.
std::optional<std::string> name_from_wire(std::span<const std::uint8_t> wire);

}  // namespace gonets::runtime
