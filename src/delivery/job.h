// What a connection has to carry: a lease, and where a host was passed over for what it said of all of its recipients,
// that. Values, owned by the connection.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "spool/lease.h"

namespace gonets::delivery {

struct job {
  spool::lease lease;
  std::vector<smtp::recipient_outcome> said;  // by `host`, of each recipient; empty: no host was passed over
  std::string host, address;
  std::string transcript;  // with it
};

// Nothing that this host did not say itself takes the place of what the one before it said.
void keep_said(job& of, std::vector<smtp::recipient_outcome>& outcomes);

// Takes out of the lease and its outcomes the recipients, by number, that `passed_over` holds for: with what was said
// of them, by that host. Nothing: there is none.
std::optional<job> take_passed_over(spool::lease& from, std::vector<smtp::recipient_outcome>& outcomes,
                                    const std::function<bool(std::size_t)>& passed_over, const std::string& host,
                                    const std::string& address);

}  // namespace gonets::delivery
