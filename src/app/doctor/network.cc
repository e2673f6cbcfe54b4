// Ports and names: what the server listens on and leaves by, and whether DNS answers it.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "app/doctor/doctor.h"
#include "app/doctor/look_up.h"
#include "base/network.h"
#include "config/egresses.h"
#include "runtime/stream.h"
#include "smtp/socks_client.h"

namespace gonets::app::doctor {
namespace {

constexpr int connect_ms_max = 5000;

class socket_address {
 public:
  socket_address(const std::string& host, std::uint16_t port) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage_);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage_);
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
      storage_.ss_family = AF_INET;
      v4.sin_port = htons(port);
      size_ = sizeof v4;
    } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
      storage_.ss_family = AF_INET6;
      v6.sin6_port = htons(port);
      size_ = sizeof v6;
    }
  }
  int family() const { return storage_.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

// Empty when `s`, which does not block, is connected; else why not.
std::string connect_error(const descriptor& s, const socket_address& to) {
  if (s.get() < 0) return std::strerror(errno);
  if (::connect(s.get(), to.get(), to.size()) == 0) return {};
  if (errno != EINPROGRESS) return std::strerror(errno);
  pollfd wait{s.get(), POLLOUT, 0};
  if (::poll(&wait, 1, connect_ms_max) <= 0) return "Connection timed out";
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(s.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? std::string() : std::strerror(error);
}

descriptor make_socket(const socket_address& to) {
  return descriptor(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// Empty when something listens there; else why not.
std::string connect_error(const socket_address& to) {
  return connect_error(make_socket(to), to);
}

// Goes as far as the login; no host is asked for.
std::string socks_error(const descriptor& s, const config::exit_proxy& proxy) {
  smtp::socks_client client({proxy.user, proxy.password, "192.0.2.1", 25});
  using phase = smtp::socks_client::phase;
  while (client.at() == phase::greeting || client.at() == phase::login) {
    if (const auto out = client.take_output(); !out.empty()) ::send(s.get(), out.data(), out.size(), MSG_NOSIGNAL);
    pollfd wait{s.get(), POLLIN, 0};
    if (::poll(&wait, 1, connect_ms_max) <= 0) return "it does not answer";
    std::array<char, 512> bytes{};
    const auto n = ::recv(s.get(), bytes.data(), bytes.size(), 0);
    if (n > 0) {
      client.feed({bytes.data(), static_cast<std::size_t>(n)});
    } else {
      client.lost("it closed the connection");
    }
  }
  return client.error();
}

std::string proxy_error(const config::exit_proxy& proxy) {
  const socket_address to(proxy.address.host, proxy.address.port);
  const auto s = make_socket(to);
  auto error = connect_error(s, to);
  if (error.empty() && proxy.speaks == config::exit_proxy::protocol::socks5) error = socks_error(s, proxy);
  return error;
}

// Empty when the server could listen there.
std::string bind_error(const socket_address& at) {
  const descriptor s(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(s.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return ::bind(s.get(), at.get(), at.size()) == 0 ? std::string() : std::strerror(errno);
}

std::string reachable_host(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  return host == "::" ? "::1" : host;
}

}  // namespace

void examine_listeners(const surroundings& around, report& to) {
  if (around.with.listeners.empty()) return to.warning("there is none", "add a [[listener]]");
  for (const auto& l : around.with.listeners) {
    const auto name = to_text(l.address);
    if (l.address.port == 0) {
      to.ok(name + " takes a free port at each start");
      continue;
    }
    const auto error = connect_error({reachable_host(l.address.host), l.address.port});
    if (around.running && error.empty()) {
      to.ok(name + " takes connections");
    } else if (around.running) {
      to.failed(fmt::format("{}: {}", name, error), "new listeners need a restart; see the server's log");
    } else if (error.empty()) {
      to.failed(name + " is taken by another program", "stop that program, or change the listener's address");
    } else if (const auto why = bind_error({l.address.host, l.address.port}); !why.empty()) {
      const bool rights = why == std::strerror(EACCES);
      to.failed(fmt::format("{}: {}", name, why), rights ? "start the server as root, with server.user, or by systemd"
                                                         : "give an address of this machine");
    } else {
      to.ok(name + " is free");
    }
  }
}

void examine_egresses(const surroundings& around, report& to) {
  std::vector<std::string> names{std::string(config::default_egress)};
  for (const auto& e : around.with.egresses)
    names.push_back(e.name);
  for (const auto& name : names) {
    const auto e = config::find_egress(around.with, name).value();
    if (e.proxy.speaks != config::exit_proxy::protocol::none) {
      const auto where = config::proxy_text(e.proxy);
      if (const auto error = proxy_error(e.proxy); error.empty()) {
        to.ok(fmt::format("{}: {} answers", name, where));
      } else {
        to.failed(fmt::format("{}: {}: {}", name, where, error), "start the proxy, or change egress.proxy");
      }
      continue;
    }
    std::size_t sources = 0;
    for (const auto& source : {e.source_ipv4, e.source_ipv6}) {
      if (source.empty()) continue;
      ++sources;
      if (runtime::is_own_address(source)) {
        to.ok(fmt::format("{}: {} is an address of this machine", name, source));
      } else {
        to.failed(fmt::format("{}: {} is no address of this machine", name, source),
                  "add it to an interface (`ip address add`), or change the source address");
      }
    }
    if (sources == 0) to.ok(name + ": the system chooses the source address");
  }
}

void examine_dns(const surroundings& around, report& to) {
  const auto& with = around.with;
  const auto answer = look_up(with, {with.server.hostname}).front();
  using enum runtime::dns_status;
  const auto from = with.dns.servers.empty() ? std::string("the root servers") : std::string("dns.servers");
  switch (answer.status) {
    case ok:
      to.ok(fmt::format("{} is {}, by {}", with.server.hostname, answer.addresses.front(), from));
      break;
    case no_data:
    case no_such_name:
      to.warning(fmt::format("{} has no IPv4 address, by {}", with.server.hostname, from),
                 "many receivers refuse mail from a HELO name without an address: add an A record for server.hostname");
      break;
    case bogus:
      to.failed(fmt::format("what {} says of {} does not validate: {}", from, with.server.hostname, answer.detail),
                "see whether the machine's clock is right, and whether the domain's DNSSEC records are");
      break;
    case temporary:
      to.failed(fmt::format("no answer from {}: {}", from, answer.detail),
                "no mail can leave by MX: open UDP and TCP port 53, or set dns.servers");
      break;
  }
  if (!with.dns.servers.empty()) return;
  constexpr const char* anchor = "/usr/share/dns/root.key";
  std::error_code ignored;
  if (std::filesystem::exists(anchor, ignored)) {
    to.ok(fmt::format("DNSSEC is validated with {}", anchor));
  } else {
    to.warning(fmt::format("there is no {}: DNSSEC is not validated, and there is no DANE", anchor),
               "install the package dns-root-data");
  }
}

}  // namespace gonets::app::doctor
