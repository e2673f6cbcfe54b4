#include "sasl/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/base64.h"
#include "base/secret.h"
#include "sasl/detail/mechanisms.h"
#include "sasl/password.h"

namespace gonets::sasl {
namespace {

constexpr std::uint32_t iterations_min = 4096;  // RFC 7677 4
constexpr std::size_t nonce_bytes_max = 256;
constexpr std::size_t salt_bytes_max = 256;

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_credential(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max &&
         text.find_first_of(std::string_view("\0\r\n", 3)) == std::string_view::npos;
}

bool same_without_case(std::string_view a, std::string_view upper) {
  return std::ranges::equal(a, upper, [](char x, char y) { return (x >= 'a' && x <= 'z' ? x - ('a' - 'A') : x) == y; });
}

class plain_client final : public client {
 public:
  plain_client(std::string name, std::string password) : name_(std::move(name)), password_(std::move(password)) {}
  std::optional<std::string> initial() override {
    using namespace std::string_literals;
    return "\0"s + name_ + "\0"s + password_;
  }
  std::optional<std::string> respond(std::string_view) override {
    error_ = "asks for more than PLAIN has";
    return std::nullopt;
  }
  bool may_succeed() const override { return true; }

 private:
  std::string name_, password_;
};

// The prompts are in many languages; what counts is their order.
class login_client final : public client {
 public:
  login_client(std::string name, std::string password) : name_(std::move(name)), password_(std::move(password)) {}
  std::optional<std::string> initial() override { return std::nullopt; }
  std::optional<std::string> respond(std::string_view) override {
    switch (asked_++) {
      case 0:
        return name_;
      case 1:
        return password_;
      default:
        error_ = "asks for more than LOGIN has";
        return std::nullopt;
    }
  }
  bool may_succeed() const override { return asked_ >= 2; }

 private:
  std::string name_, password_;
  unsigned asked_ = 0;
};

class scram_client final : public client {
 public:
  scram_client(const std::string& name, std::string password, std::string nonce)
      : password_(std::move(password)),
        nonce_(std::move(nonce)),
        first_bare_("n=" + detail::encode_saslname(name) + ",r=" + nonce_) {}

  std::optional<std::string> initial() override { return "n,," + first_bare_; }

  std::optional<std::string> respond(std::string_view challenge) override {
    switch (now_) {
      case state::server_first:
        return take_first(challenge);
      case state::server_final:
        return take_final(challenge);
      case state::proved:
        break;
    }
    return broken("asks for more than SCRAM has");
  }
  bool may_succeed() const override { return now_ == state::proved; }

 private:
  //   server_first -> server_final -> proved
  enum class state : std::uint8_t { server_first, server_final, proved };

  std::optional<std::string> broken(std::string_view why) {
    error_ = why;
    return std::nullopt;
  }

  // RFC 5802 7: server-first-message. A mandatory extension ("m=") that we don't know ends it.
  std::optional<std::string> take_first(std::string_view message) {
    auto rest = message;
    const auto nonce = detail::take_attribute(rest, 'r');
    const auto salt = nonce ? detail::take_attribute(rest, 's') : std::nullopt;
    const auto iterations = salt ? detail::take_attribute(rest, 'i') : std::nullopt;
    if (!iterations) return broken("its first SCRAM message is malformed");
    if (!nonce->starts_with(nonce_) || nonce->size() == nonce_.size() || nonce->size() > nonce_bytes_max) {
      return broken("its SCRAM nonce does not continue ours");
    }
    const auto salt_octets = decode_base64(*salt);
    if (!salt_octets || salt_octets->empty() || salt_octets->size() > salt_bytes_max) {
      return broken("its SCRAM salt is malformed");
    }
    std::uint32_t count = 0;
    const auto [stop, fault] = std::from_chars(iterations->data(), iterations->data() + iterations->size(), count);
    if (fault != std::errc{} || stop != iterations->data() + iterations->size() || count < iterations_min ||
        count > client_iterations_max) {
      return broken(
          fmt::format("its SCRAM iteration count is not from {} to {}", iterations_min, client_iterations_max));
    }
    const auto keys = detail::make_scram_keys(password_, *salt_octets, count);
    const auto without_proof = "c=biws,r=" + std::string(*nonce);
    const auto signed_text = first_bare_ + ',' + std::string(message) + ',' + without_proof;
    const auto proof = detail::xor_of(keys.client, hmac_sha256(sha256(keys.client), signed_text));
    signature_ = hmac_sha256(keys.server, signed_text);
    now_ = state::server_final;
    return without_proof + ",p=" + encode_base64(proof);
  }

  // server-final-message: what proves that the server knows the password, or an error.
  std::optional<std::string> take_final(std::string_view message) {
    if (message.starts_with("e=")) return broken("it answered SCRAM with an error");
    const auto signature = detail::take_attribute(message, 'v');
    const auto octets = signature ? decode_base64(*signature) : std::nullopt;
    if (!octets || octets->size() != signature_.size() || !equal_in_constant_time(*octets, signature_)) {
      return broken("it does not prove that it knows the password (its SCRAM signature is wrong)");
    }
    now_ = state::proved;
    return std::string();
  }

  std::string password_, nonce_, first_bare_;
  std::string signature_;
  state now_ = state::server_first;
};

// Of the JSON by which a token is refused (RFC 7628 3.2.2) only the status is told: it is for people, and nothing
// depends on it.
std::string status_of(std::string_view json) {
  constexpr std::string_view key = "\"status\"";
  constexpr std::size_t bytes_max = 64;
  const auto at = json.find(key);
  if (at == std::string_view::npos) return "no status";
  json.remove_prefix(at + key.size());
  json.remove_prefix(std::min(json.find_first_not_of(" \t\r\n:\""), json.size()));
  const auto status = json.substr(0, std::min(json.find_first_of("\",} \t\r\n"), bytes_max));
  return is_printable_ascii(status) && !status.empty() ? std::string(status) : "no status";
}

class token_client final : public client {
 public:
  token_client(mechanism m, const std::string& name, const std::string& token)
      : initial_(m == mechanism::xoauth2
                     ? fmt::format("user={}\1auth=Bearer {}\1\1", name, token)
                     : fmt::format("n,a={},\1auth=Bearer {}\1\1", detail::encode_saslname(name), token)),
        goes_on_(m == mechanism::xoauth2 ? "" : "\1") {}
  std::optional<std::string> initial() override { return initial_; }
  // There is one challenge only, which refuses; the reply comes after an answer without a meaning (RFC 7628 3.2.3).
  std::optional<std::string> respond(std::string_view challenge) override {
    if (!refusal_.empty()) {
      error_ = "asks for more than a token";
      return std::nullopt;
    }
    refusal_ = status_of(challenge);
    return goes_on_;
  }
  bool may_succeed() const override { return refusal_.empty(); }

 private:
  std::string initial_, goes_on_;
};

}  // namespace

bool is_client_name(std::string_view name) {
  return is_credential(name, login_bytes_max);
}

bool is_client_password(std::string_view password) {
  return is_credential(password, password_bytes_max);
}

bool is_access_token(std::string_view token) {
  return !token.empty() && token.size() <= token_bytes_max &&
         std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
}

void add_offered(std::string_view name, offered_mechanisms& to) {
  if (same_without_case(name, "PLAIN")) to.plain = true;
  if (same_without_case(name, "LOGIN")) to.login = true;
  if (same_without_case(name, "SCRAM-SHA-256")) to.scram_sha_256 = true;
  if (same_without_case(name, "XOAUTH2")) to.xoauth2 = true;
  if (same_without_case(name, "OAUTHBEARER")) to.oauthbearer = true;
}

std::optional<mechanism> choose(const offered_mechanisms& offered, std::string_view name, std::string_view password) {
  if (offered.scram_sha_256 && is_printable_ascii(name) && is_printable_ascii(password))
    return mechanism::scram_sha_256;
  if (offered.plain) return mechanism::plain;
  if (offered.login) return mechanism::login;
  return std::nullopt;
}

std::optional<mechanism> choose_for_token(const offered_mechanisms& offered) {
  if (offered.xoauth2) return mechanism::xoauth2;
  if (offered.oauthbearer) return mechanism::oauthbearer;
  return std::nullopt;
}

std::unique_ptr<client> make_client(mechanism m, std::string name, std::string password, std::string nonce) {
  if (m == mechanism::scram_sha_256) return std::make_unique<scram_client>(name, std::move(password), std::move(nonce));
  if (m == mechanism::xoauth2 || m == mechanism::oauthbearer) return std::make_unique<token_client>(m, name, password);
  if (m == mechanism::login) return std::make_unique<login_client>(std::move(name), std::move(password));
  return std::make_unique<plain_client>(std::move(name), std::move(password));
}

}  // namespace gonets::sasl
