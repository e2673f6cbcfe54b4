#include "smtp/socks_client.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <utility>

namespace gonets::smtp {
namespace {

constexpr char version = 5, login_version = 1;
constexpr unsigned no_login = 0, by_password = 2, none_acceptable = 0xFF;
constexpr char connect_command = 1;
constexpr unsigned ipv4 = 1, name = 3, ipv6 = 4;

std::uint8_t octet(char c) {
  return static_cast<std::uint8_t>(c);
}

// RFC 1928 6.
std::string meaning_of(unsigned reply) {
  static constexpr std::array<std::string_view, 9> words{"",
                                                         "general failure",
                                                         "not allowed by its rules",
                                                         "Network is unreachable",
                                                         "No route to host",
                                                         "Connection refused",
                                                         "Connection timed out",
                                                         "it does not know CONNECT",
                                                         "it does not know this kind of address"};
  return reply < words.size() ? std::string(words[reply]) : fmt::format("reply {}", reply);
}

}  // namespace

socks_client::socks_client(socks_request wanted) : wanted_(std::move(wanted)) {
  output_ += version;
  if (wanted_.user.empty()) {
    output_ += {char(1), char(no_login)};
  } else {
    output_ += {char(2), char(no_login), char(by_password)};
  }
}

std::string socks_client::take_output() {
  return std::exchange(output_, {});
}

void socks_client::feed(std::string_view bytes) {
  if (at_ == phase::failed) return;
  input_ += bytes;
  while (at_ != phase::connected && at_ != phase::failed && step()) {
  }
}

void socks_client::lost(std::string_view why) {
  if (at_ == phase::connected || at_ == phase::failed) return;
  fail(std::string(why), at_ != phase::connecting);
}

// False: more bytes are needed.
bool socks_client::step() {
  switch (at_) {
    case phase::greeting:
      return take_method();
    case phase::login:
      return take_login();
    case phase::connecting:
      return take_reply();
    case phase::connected:
    case phase::failed:
      break;
  }
  return false;
}

bool socks_client::take_method() {
  if (!input_.empty() && input_[0] != version) {
    fail("what answers there does not speak SOCKS 5", true);
    return true;
  }
  if (input_.size() < 2) return false;
  const unsigned method = octet(input_[1]);
  input_.erase(0, 2);
  if (method == no_login) {
    ask();
  } else if (method == by_password && !wanted_.user.empty()) {
    at_ = phase::login;
    output_ += login_version;
    for (const auto& word : {wanted_.user, wanted_.password}) {
      output_ += static_cast<char>(word.size());
      output_ += word;
    }
  } else if (method == none_acceptable) {
    fail(wanted_.user.empty() ? "it wants a login" : "it takes no login by password", true);
  } else {
    fail(fmt::format("it chose the login method {}, which was not offered", method), true);
  }
  return true;
}

bool socks_client::take_login() {
  if (input_.size() < 2) return false;
  const bool good = input_[1] == 0;
  input_.erase(0, 2);
  if (good) {
    ask();
  } else {
    fail(fmt::format("it refused the login of {}", wanted_.user), true);
  }
  return true;
}

void socks_client::ask() {
  std::array<char, 16> bytes{};
  const bool four = ::inet_pton(AF_INET, wanted_.address.c_str(), bytes.data()) == 1;
  if (!four && ::inet_pton(AF_INET6, wanted_.address.c_str(), bytes.data()) != 1) {
    return fail(fmt::format("{} is no address", wanted_.address), false);
  }
  at_ = phase::connecting;
  output_ += {version, connect_command, char(0), char(four ? ipv4 : ipv6)};
  output_.append(bytes.data(), four ? 4 : 16);
  output_ += {static_cast<char>(wanted_.port >> 8), static_cast<char>(wanted_.port & 0xFF)};
}

bool socks_client::take_reply() {
  constexpr std::size_t fixed = 4, port_bytes = 2;
  if (!input_.empty() && input_[0] != version) {
    fail("its reply is not of SOCKS 5", true);
    return true;
  }
  if (input_.size() < 2) return false;
  // Some close behind these two octets when they refuse.
  if (const unsigned reply = octet(input_[1]); reply != 0) {
    fail(meaning_of(reply), false);
    return true;
  }
  if (input_.size() < fixed + 1) return false;
  const unsigned kind = octet(input_[3]);
  std::size_t address = 4;
  if (kind == ipv6) address = 16;
  if (kind == name) address = 1 + octet(input_[fixed]);
  if (kind != ipv4 && kind != ipv6 && kind != name) {
    fail("its reply is not of SOCKS 5", true);
    return true;
  }
  if (input_.size() < fixed + address + port_bytes) return false;
  input_.erase(0, fixed + address + port_bytes);
  at_ = phase::connected;
  return true;
}

void socks_client::fail(std::string why, bool of_proxy) {
  at_ = phase::failed;
  error_ = std::move(why);
  proxy_failed_ = of_proxy;
  input_.clear();
  output_.clear();
}

}  // namespace gonets::smtp
