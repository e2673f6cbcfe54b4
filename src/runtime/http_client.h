// HTTP/1.1 requests to others: MTA-STS policies, TLS reports, token introspection, webhooks. A connection each, unless
// they are kept. https:// with a certificate verified against the trusted authorities and the host's name; http:// to
// this machine only, or as `refuse_address` has it. Redirects are answers like any other: never followed. On one shard;
// not thread-safe.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/network.h"
#include "runtime/dns.h"
#include "runtime/shards.h"
#include "runtime/stream.h"

namespace gonets::runtime {

struct http_url {
  bool tls = true;
  std::string host;  // a name, or an address without brackets; lower case
  std::uint16_t port = 443;
  std::string target;  // with the query; at least "/"

  // Absolute https:// and http:// URLs of ASCII without blanks; user information is refused, a fragment is cut off.
  static std::optional<http_url> parse(std::string_view text);
  std::string authority() const;  // as the Host field has it
};

// application/x-www-form-urlencoded, but for the plus sign: RFC 6749 appendix B takes %20 as well.
std::string form_encode(std::string_view text);

enum class http_method : std::uint8_t { get, post };

struct http_request {
  http_method method = http_method::get;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;  // without Host, Content-Length, Connection
  std::string body;
};

struct http_limits {
  std::chrono::milliseconds timeout = std::chrono::seconds(30);  // of all: names, connection, handshake, answer
  std::size_t header_bytes_max = 16'384;
  std::size_t body_bytes_max = 65'536;
};

struct http_answer {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // as they came
  std::string body;

  // The first of that name, in any case; "" when there is none.
  std::string_view header(std::string_view name) const;
};

enum class http_error : std::uint8_t {
  bad_request,  // no URL that is spoken here (http:// goes to this machine only), or a header of several lines
  resolve,      // no address of the host
  forbidden,    // no address of the host may be connected to
  connect,      // none of its addresses answers
  tls,          // the handshake failed for another reason than the certificate
  certificate,  // not valid for this host
  timed_out,    // not all came within the limit
  too_large,    // header or body
  bad_answer    // not HTTP, or cut off
};
std::string_view to_text(http_error e);

struct http_failure {
  http_error what = http_error::connect;
  std::string text;  // for people: what, and where
};

struct http_options {
  std::shared_ptr<tls_context> tls;  // none: https:// is refused
  bool ipv4 = true, ipv6 = true;
  bool allow_loopback = false;  // names may resolve to this machine: for tests and labs
  // In place of the rules above for loopback and http://. Asked of each address before it is connected to: why not, or
  // an empty text.
  std::function<std::string(const address_bytes& address, bool tls)> refuse_address;
  // How long a connection stays for the next request to the same host; zero: not at all. A request on one that the
  // server has closed meanwhile goes out anew: at least once, not at most.
  std::chrono::milliseconds keep_alive{0};
};

namespace detail {
class kept_connections;
}

class http_client {
 public:
  using handler = std::move_only_function<void(std::expected<http_answer, http_failure>)>;

  http_client(shards& on, std::size_t shard, resolver& dns, http_options with);
  ~http_client();

  // `done` runs once, on the shard, never before the call returns. What is under way ends with the shard.
  void send(http_request request, const http_limits& limits, handler done);
  // For requests to come.
  void reconfigure(http_options with);

 private:
  shards& shards_;
  std::size_t shard_;
  resolver& dns_;
  http_options with_;
  std::shared_ptr<detail::kept_connections> kept_;
};

}  // namespace gonets::runtime
