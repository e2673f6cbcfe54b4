// The client's side of SOCKS 5 (RFC 1928, with the login of RFC 1929), for one CONNECT: the proxy's bytes in, what to
// send out. Pure. The request bears an address: names are looked up by us. Owned by who drives it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gonets::smtp {

struct socks_request {
  std::string user, password;  // at most 255 octets each; without a user, no login is offered
  std::string address;         // textual IPv4 or IPv6
  std::uint16_t port = 0;
};

class socks_client {
 public:
  // greeting -> login, connecting; login -> connecting; connecting -> connected; any but connected -> failed.
  enum class phase : std::uint8_t { greeting, login, connecting, connected, failed };

  explicit socks_client(socks_request wanted);

  // What is to be sent now; each byte once.
  std::string take_output();
  void feed(std::string_view bytes);
  // The connection ended, or took too long.
  void lost(std::string_view why);

  phase at() const { return at_; }
  // Once connected: what the host has said already.
  const std::string& rest() const { return input_; }
  // Once failed, for people. `proxy_failed`: it is no use for any host; else this one could not be reached through it.
  const std::string& error() const { return error_; }
  bool proxy_failed() const { return proxy_failed_; }

 private:
  bool step();
  bool take_method();
  bool take_login();
  bool take_reply();
  void ask();
  void fail(std::string why, bool of_proxy);

  socks_request wanted_;
  phase at_ = phase::greeting;
  std::string input_, output_, error_;
  bool proxy_failed_ = false;
};

}  // namespace gonets::smtp
