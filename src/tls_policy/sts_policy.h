// An MTA-STS policy (RFC 8461 3.2) as those who deliver see it: parsed and valid.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::tls_policy {

enum class sts_mode : std::uint8_t { none, testing, enforce };

struct sts_policy {
  sts_mode mode = sts_mode::none;
  std::vector<std::string> mx;  // patterns in lower case: "mx.example.com", "*.example.com"
  std::chrono::seconds max_age{0};
  std::string id;                  // of the TXT record under which it was fetched
  std::vector<std::string> lines;  // as fetched, for reports (RFC 8460 4.4, policy-string)
};

// Whether mail may go to this host (RFC 8461 4.1): a pattern is a host's name, or "*." and a domain, which stands for
// names one label below it. `host` is in lower case, without a trailing dot.
bool allows(const sts_policy& policy, std::string_view host);

}  // namespace gonets::tls_policy
