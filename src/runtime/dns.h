// DNS on a shard: libunbound as an embedded caching resolver, its socket watched by the shard's io_context. One
// resolver a shard; not thread-safe; call on the shard's thread. The cache is the shard's own.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace gonets::runtime {

enum class dns_status : std::uint8_t {
  ok,            // at least one record
  no_data,       // the name exists, without such records
  no_such_name,  // NXDOMAIN
  temporary,     // SERVFAIL, time-out, no server reached
  bogus          // DNSSEC validation failed: like temporary, but said
};

struct mx_record {
  std::uint16_t preference = 0;
  std::string exchange;  // lower case, without the trailing dot; "" is the null MX (RFC 7505)
};

struct dns_answer {
  dns_status status = dns_status::temporary;
  bool secure = false;  // validated by DNSSEC
  std::chrono::seconds ttl{0};
  std::vector<mx_record> mx;           // of query_mx
  std::vector<std::string> addresses;  // of query_addresses: textual, AAAA before A within each answer as asked
  std::string detail;                  // for people, when not ok: "SERVFAIL from ..."
};

// What delivery depends on, so that tests and simulations can pass their own.
class resolver {
 public:
  using handler = std::move_only_function<void(dns_answer)>;
  virtual ~resolver() = default;
  // `name` is an A-label or U-label domain name (U-labels are sent as A-labels). CNAMEs are followed. The handler runs
  // later, on the shard; never before the call returns.
  virtual void query_mx(std::string_view name, handler done) = 0;
  virtual void query_a(std::string_view name, handler done) = 0;
  virtual void query_aaaa(std::string_view name, handler done) = 0;
};

struct dns_options {
  std::vector<std::pair<std::string, std::uint16_t>> servers;  // forwarders; empty: from the root
  std::chrono::milliseconds timeout{10'000};                   // of one query, retries included
  std::size_t cache_bytes_max = 33'554'432;
  std::size_t in_flight_max = 10'000;  // beyond: temporary, at once
};

std::unique_ptr<resolver> make_unbound_resolver(boost::asio::io_context& shard, const dns_options& options);

}  // namespace gonets::runtime
