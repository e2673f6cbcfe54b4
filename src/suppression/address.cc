#include "suppression/address.h"

#include <algorithm>

#include "base/text.h"
#include "message/address.h"
#include "message/utf8.h"
#include "runtime/dns_name.h"

namespace gonets::suppression {
namespace {

std::string with_domain(std::string_view address, std::string_view domain) {
  return std::string(address.substr(0, address.rfind('@') + 1)).append(domain);
}

}  // namespace

std::string normalised(std::string_view address) {
  auto lower = to_lower(address);
  if (message::is_ascii(lower)) return lower;
  const auto at = lower.rfind('@');
  if (at == std::string::npos) return lower;
  const auto domain = runtime::to_a_labels(std::string_view(lower).substr(at + 1));
  return domain ? with_domain(lower, *domain) : lower;
}

std::vector<std::string> spellings(std::string_view address) {
  std::vector<std::string> all{normalised(address)};
  const auto add = [&](std::string other) {
    if (std::ranges::find(all, other) == all.end()) all.push_back(std::move(other));
  };
  const auto at = all.front().rfind('@');
  if (at == std::string::npos) return all;
  if (const auto domain = runtime::to_u_labels(std::string_view(all.front()).substr(at + 1)))
    add(with_domain(all.front(), *domain));
  add(to_lower(address));
  return all;
}

}  // namespace gonets::suppression
