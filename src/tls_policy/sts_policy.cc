#include "tls_policy/sts_policy.h"

#include <algorithm>

namespace gonets::tls_policy {
namespace {

bool matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  const auto dot = host.find('.');
  return dot != std::string_view::npos && dot != 0 && host.substr(dot) == pattern.substr(1);
}

}  // namespace

bool allows(const sts_policy& policy, std::string_view host) {
  return std::any_of(policy.mx.begin(), policy.mx.end(),
                     [&](const std::string& pattern) { return matches(pattern, host); });
}

}  // namespace gonets::tls_policy
