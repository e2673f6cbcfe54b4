#include "sasl/exchange.h"

#include <array>

#include "sasl/detail/mechanisms.h"

namespace gonets::sasl {
namespace {

constexpr std::array<std::string_view, mechanism_count> names{"PLAIN",       "LOGIN",   "SCRAM-SHA-256",
                                                              "OAUTHBEARER", "XOAUTH2", "EXTERNAL"};

// RFC 4616: [authzid] NUL authcid NUL passwd.
class plain final : public exchange {
 public:
  step begin(std::optional<std::string> initial) override {
    return initial ? respond(std::move(*initial)) : step::challenge;
  }
  step respond(std::string message) override {
    const auto first = message.find('\0');
    if (first == std::string::npos) return step::malformed;
    const auto second = message.find('\0', first + 1);
    if (second == std::string::npos || message.find('\0', second + 1) != std::string::npos) return step::malformed;
    const auto login_bytes = second - first - 1, secret_bytes = message.size() - second - 1;
    if (login_bytes == 0 || login_bytes > login_bytes_max) return step::malformed;
    if (secret_bytes == 0 || secret_bytes > password_bytes_max) return step::malformed;
    login_ = message.substr(first + 1, login_bytes);
    secret_ = message.substr(second + 1);
    // To act as somebody else is what no credential may.
    return first == 0 || message.compare(0, first, login_) == 0 ? step::check_password : step::failed;
  }
  step conclude(bool good) override { return good ? step::succeeded : step::failed; }
};

// Never written down but in a draft; the prompts are what clients expect.
class login final : public exchange {
 public:
  step begin(std::optional<std::string> initial) override {
    if (initial) return respond(std::move(*initial));
    challenge_ = "Username:";
    return step::challenge;
  }
  step respond(std::string message) override {
    if (login_.empty()) {
      if (message.empty() || message.size() > login_bytes_max) return step::malformed;
      if (message.find('\0') != std::string::npos) return step::malformed;
      login_ = std::move(message);
      challenge_ = "Password:";
      return step::challenge;
    }
    if (message.empty() || message.size() > password_bytes_max) return step::malformed;
    secret_ = std::move(message);
    return step::check_password;
  }
  step conclude(bool good) override { return good ? step::succeeded : step::failed; }
};

// RFC 4422 A: the name that the client wants to be known by, or nothing.
class external final : public exchange {
 public:
  step begin(std::optional<std::string> initial) override {
    return initial ? respond(std::move(*initial)) : step::challenge;
  }
  step respond(std::string message) override {
    if (message.size() > login_bytes_max || message.find('\0') != std::string::npos) return step::malformed;
    login_ = std::move(message);
    return step::check_certificate;
  }
  step conclude(bool good) override { return good ? step::succeeded : step::failed; }
};

}  // namespace

std::string_view to_text(mechanism m) {
  return names[static_cast<std::size_t>(m)];
}

std::optional<mechanism> parse_mechanism(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<mechanism>(i);
  }
  return std::nullopt;
}

std::unique_ptr<exchange> make_exchange(mechanism m, std::string nonce) {
  switch (m) {
    case mechanism::plain:
      return std::make_unique<plain>();
    case mechanism::login:
      return std::make_unique<login>();
    case mechanism::scram_sha_256:
      return detail::make_scram(std::move(nonce));
    case mechanism::oauthbearer:
      return detail::make_oauthbearer();
    case mechanism::xoauth2:
      return detail::make_xoauth2();
    case mechanism::external:
      return std::make_unique<external>();
  }
  return nullptr;
}

}  // namespace gonets::sasl
