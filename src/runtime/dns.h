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

#include "tls_policy/dane.h"

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
  // Validated by DNSSEC, each CNAME on the way included; also of an answer that says that there is nothing.
  bool secure = false;
  std::chrono::seconds ttl{0};
  std::vector<mx_record> mx;           // of query_mx
  std::vector<std::string> addresses;  // of query_a and query_aaaa: textual
  std::vector<tls_policy::tlsa_record> tlsa;
  std::vector<std::string> texts;  // of query_txt: each record's strings joined, any bytes
  std::vector<std::string> names;  // of query_ptr and query_cname: lower case, without the trailing dot
  std::string canonical;           // whose records these are: the name that was asked for, or where its CNAMEs lead
  std::string detail;              // for people, when not ok: "SERVFAIL from ..."
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
  virtual void query_tlsa(std::string_view name, handler done) = 0;
  virtual void query_txt(std::string_view name, handler done) = 0;
  virtual void query_ptr(std::string_view name, handler done) = 0;    // of "1.2.0.192.in-addr.arpa"
  virtual void query_cname(std::string_view name, handler done) = 0;  // of the name itself: not followed
};

struct dns_options {
  std::vector<std::pair<std::string, std::uint16_t>> servers;  // forwarders; empty: from the root
  // DS or DNSKEY records of zones that are signed, in zone-file form. Empty: those of the root where we resolve from
  // there ourselves, and none behind forwarders, which may serve names of their own or strip signatures. Without any,
  // no answer is `secure`, and DANE is off.
  std::string trust_anchor_file;
  std::chrono::milliseconds timeout{10'000};  // of one query, retries included
  std::size_t cache_bytes_max = 33'554'432;
  std::chrono::seconds cache_ttl_max{86'400};  // how old an answer may be; 0: nothing is kept
  std::size_t in_flight_max = 10'000;          // beyond: temporary, at once
};

// Throws std::runtime_error when the trust anchors can't be read.
std::unique_ptr<resolver> make_unbound_resolver(boost::asio::io_context& shard, const dns_options& options);

}  // namespace gonets::runtime
