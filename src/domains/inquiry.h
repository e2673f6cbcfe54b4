// Runs domain_check over the resolver: looks up what is wanted, until nothing is. On the resolver's shard.
#pragma once
#include <functional>

#include "domain_check/check.h"
#include "runtime/dns.h"

namespace gonets::domains {

// `done` runs later, on the shard; `dns` must live until then.
void inquire(runtime::resolver& dns, domain_check::subject of, domain_check::platform on,
             std::move_only_function<void(domain_check::report)> done);

}  // namespace gonets::domains
