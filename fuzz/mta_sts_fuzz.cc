// MTA-STS records and policy files. What is accepted is within the limits, and reads the same when it is written again.
#include <cstdint>
#include <string>
#include <string_view>

#include "check.h"
#include "tls_policy/mta_sts.h"

using namespace gonets::tls_policy;
using gonets::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto id = sts_record_id({text})) {
    check(!id->empty() && id->size() <= 32);
    check(sts_record_id({"v=STSv1; id=" + *id}) == id);
  }
  const auto policy = parse_sts_policy(text);
  if (!policy) {
    check(!policy.error().empty());
    return 0;
  }
  check(policy->mx.size() <= sts_patterns_max && policy->max_age <= sts_age_max && policy->max_age.count() >= 0);
  std::string again;
  for (const auto& line : policy->lines)
    again += line + "\r\n";
  const auto same = parse_sts_policy(again);
  check(same && same->mode == policy->mode && same->max_age == policy->max_age && same->mx == policy->mx);
  for (const auto& pattern : policy->mx) {
    check(allows(*policy, pattern.starts_with("*.") ? "a" + pattern.substr(1) : pattern));
  }
  return 0;
}
