// The client's side of the SASL mechanisms by which we log in to other servers: SCRAM-SHA-256 (RFC 5802, 7677; without
// channel binding), PLAIN (RFC 4616) and LOGIN; with an OAuth 2 access token in place of a password, XOAUTH2 (Google's
// and Microsoft's) and OAUTHBEARER (RFC 7628). Pure: the server's challenges in, what to answer out, neither in base
// 64. The server is not trusted: a SCRAM server that can't prove that it knows the password has not been logged in to.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sasl/exchange.h"

namespace gonets::sasl {

// Names and passwords that a client takes: 1 to login_bytes_max or password_bytes_max octets, none of them NUL, CR or
// LF.
bool is_client_name(std::string_view name);
bool is_client_password(std::string_view password);
bool is_access_token(std::string_view token);  // 1 to token_bytes_max octets of printable ASCII without blanks

// What a server offers, by mechanism.
struct offered_mechanisms {
  bool plain = false, login = false, scram_sha_256 = false, xoauth2 = false, oauthbearer = false;
  bool operator==(const offered_mechanisms&) const = default;
};
void add_offered(std::string_view name, offered_mechanisms& to);  // in any case; others are passed over

// The best of them: SCRAM, PLAIN, LOGIN, in this order. SCRAM is passed over for what is not printable ASCII, which it
// would have to prepare first (RFC 4013). Nothing: there is none.
std::optional<mechanism> choose(const offered_mechanisms& offered, std::string_view name, std::string_view password);
// The same for a token: XOAUTH2, which all who take tokens offer and describe, else OAUTHBEARER.
std::optional<mechanism> choose_for_token(const offered_mechanisms& offered);

// A server that asks for more work than this does not get it: it would hold up all other connections.
inline constexpr std::uint32_t client_iterations_max = 100'000;

class client {
 public:
  virtual ~client() = default;
  // What goes with the command itself (RFC 4954 4).
  virtual std::optional<std::string> initial() = 0;
  // Nothing: the server broke the mechanism's rules; error() says how.
  virtual std::optional<std::string> respond(std::string_view challenge) = 0;
  // Whether a server that says that the login is good may be believed.
  virtual bool may_succeed() const = 0;
  const std::string& error() const { return error_; }  // never has the password
  // What the server said of a refusal that its reply, still to come, is only the end of: "invalid_token".
  const std::string& refusal() const { return refusal_; }

 protected:
  std::string error_, refusal_;
};

// `m` is one that choose() or choose_for_token() gives, and the password then a token; `nonce` as of make_exchange().
std::unique_ptr<client> make_client(mechanism m, std::string name, std::string password, std::string nonce);

}  // namespace gonets::sasl
