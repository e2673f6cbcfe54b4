// From a domain to the hosts that take its mail, in the order to try them (RFC 5321 5.1, RFC 7505). Lives on a shard.
#pragma once
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "runtime/dns.h"

namespace gonets::delivery {

struct mx_host {
  std::string name;                    // the exchange, or the literal's address
  std::vector<std::string> addresses;  // in the order to try, IPv6 and IPv4 as allowed; may be empty: not resolved yet
  std::string canonical;               // where its CNAMEs lead; mostly the name itself
  bool secure = false;                 // DNSSEC vouches for the addresses, and for each CNAME on the way
};

// The set of exchanges that a domain's mail goes to. Domains with the same `site_key` are one site.
struct mx_set {
  std::string site_key;  // "mx:" and the exchanges, sorted and joined by ','
  struct tier {
    std::uint16_t preference;
    std::vector<std::string> exchanges;
  };
  std::vector<tier> tiers;  // ascending preference
  bool implicit = false;    // no MX: the domain itself
  bool secure = false;      // DNSSEC vouches for the MX records, or for their absence
  std::chrono::seconds ttl{0};
};

// "mx:" and the exchanges of all tiers, sorted and joined by ','.
std::string key_of(const std::vector<mx_set::tier>& tiers);

struct mx_failure {
  reply answer;  // ours: 556 5.1.10 null MX, 550 5.1.2 no such domain, 451 4.4.3 DNS failing, 554 5.4.6 loop...
};

struct mx_options {
  bool ipv4 = true, ipv6 = true;
  std::vector<std::string> own_names;      // hostnames of this server: an exchange of that name is ourselves
  std::vector<std::string> own_addresses;  // textual; so is an address of this list on `port`
  std::uint16_t port = 25;
  // Unless set, an exchange named localhost and an address of this very machine (127.0.0.0/8, 0.0.0.0/8, ::1, ::) are
  // left out: outsiders' DNS must not lead us to what listens there.
  bool allow_loopback = false;
};

// Destroyed with lookups in flight, it calls none of their handlers. A handler may destroy it.
class mx_lookup {
 public:
  using sets = std::move_only_function<void(std::expected<std::shared_ptr<const mx_set>, mx_failure>)>;
  using hosts = std::move_only_function<void(std::expected<std::vector<mx_host>, mx_failure>)>;

  static constexpr std::size_t exchanges_max = 20;  // of a set; those of least preference are cut off
  static constexpr std::size_t addresses_max = 40;  // of all hosts of a set together

  // `dns` outlives this. What `options` name as our own is compared without regard to case or trailing dots.
  mx_lookup(runtime::resolver& dns, mx_options options, std::uint64_t seed);

  // MX only: enough to know the site. An address literal gives a set of one, without a query. Exchanges that are
  // ourselves are removed together with all of higher or equal preference value (5.1); none left: 554 5.4.6. Others
  // that cannot be a host (an IP address in place of a name, localhost) are left out by themselves. `done` runs before
  // this returns where no query is needed.
  void find_set(std::string_view domain, sets done);
  // The hosts of a set with addresses, tiers in order, shuffled within a tier anew at each call. Hosts whose name does
  // not resolve are left out; if none is left, 450 4.4.3 if a lookup failed for now, 550 5.4.4 if all names have no
  // address for good. A host with an address of ours ends the list before its tier; nothing before it: 554 5.4.6.
  // IPv6 and IPv4 take turns in a host's addresses, IPv6 first. `done` runs before this returns for a literal's set.
  void find_hosts(std::shared_ptr<const mx_set> set, hosts done);

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace gonets::delivery
