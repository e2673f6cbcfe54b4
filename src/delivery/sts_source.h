// Where delivery gets a domain's MTA-STS policy from (RFC 8461). One a shard; not thread-safe.
#pragma once
#include <functional>
#include <memory>
#include <string_view>

#include "tls_policy/sts_policy.h"

namespace gonets::delivery {

using sts_policy_ptr = std::shared_ptr<const tls_policy::sts_policy>;

class sts_source {
 public:
  // Null: the domain has no policy, or one that says "none", or none that could be had in time.
  using handler = std::move_only_function<void(sts_policy_ptr)>;
  virtual ~sts_source() = default;
  // What is known, the absence of a policy included, is told before this returns; else `done` runs later, on the shard.
  // It always runs within a bounded time: mail does not wait for a policy host that is down. `domain` is in A-labels
  // and lower case.
  virtual void find(std::string_view domain, handler done) = 0;
};

// Knows of no policy: where MTA-STS is switched off, and in tests.
class no_sts final : public sts_source {
 public:
  void find(std::string_view, handler done) override { done(nullptr); }
};

}  // namespace gonets::delivery
