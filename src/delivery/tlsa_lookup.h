// The TLSA records of a mail host, for DANE (RFC 7672 2.2). On a shard.
#pragma once
#include <functional>

#include "delivery/mx.h"
#include "tls_policy/dane.h"

namespace gonets::delivery {

// Of a host whose domain's MX records are validated. Of an alias, the records of the name that it leads to come first,
// then those of its own name, each only as far as DNSSEC vouches for the way there (2.1.3, 2.2.1). `dns` outlives the
// look-up; `done` runs once, before this returns where nothing need be asked, and not at all once the resolver is gone.
void find_tlsa(runtime::resolver& dns, const mx_host& host, std::uint16_t port,
               std::move_only_function<void(tls_policy::host_tlsa)> done);

}  // namespace gonets::delivery
