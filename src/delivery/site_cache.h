// A shard's memory of where domains' mail goes, so that a queue of a hundred thousand domains asks DNS for each at most
// once a minute, and domains on one hosted service share one set. Lives on a shard; not thread-safe.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "delivery/mx.h"

namespace gonets::delivery {

struct site_cache_options {
  std::size_t domains_max = 200'000;  // beyond: those not asked for lately are forgotten
};

// Destroyed with lookups in flight, it calls none of their handlers. A handler may destroy it.
class site_cache {
 public:
  // A set is kept for its TTL within these bounds.
  static constexpr std::chrono::seconds ttl_min{60};
  static constexpr std::chrono::seconds ttl_max{3600};
  static constexpr std::chrono::seconds transient_failure_ttl{30};
  static constexpr std::chrono::seconds permanent_failure_ttl{300};

  // `lookup` and `now` outlive this.
  site_cache(mx_lookup& lookup, const clock& now, site_cache_options options = {});

  // As mx_lookup::find_set. What is known is told before this returns; requests for a domain that is being looked up
  // wait for that lookup. Equal sets are one object, whose `ttl` is that of the first to have it.
  void find(std::string_view domain, mx_lookup::sets done);

  std::size_t domains() const;  // remembered, expired ones included
  std::size_t sets() const;     // different ones that are remembered or in use

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace gonets::delivery
