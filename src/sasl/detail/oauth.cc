#include <algorithm>
#include <utility>

#include "sasl/detail/mechanisms.h"

namespace gonets::sasl::detail {
namespace {

constexpr char separator = '\1';

bool is_token(std::string_view text) {  // RFC 6750 2.1
  return !text.empty() && text.size() <= token_bytes_max &&
         std::ranges::all_of(text, [](char c) { return c >= '!' && c <= '~'; });
}

// The value of "auth" among key=value pairs, each ended by ^A; and that an empty pair ends them.
std::optional<std::string> token_of(std::string_view pairs) {
  std::optional<std::string> token;
  while (!pairs.empty() && pairs.front() != separator) {
    const auto end = pairs.find(separator);
    if (end == std::string_view::npos) return std::nullopt;
    const auto pair = pairs.substr(0, end);
    pairs.remove_prefix(end + 1);
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    if (pair.substr(0, equals) != "auth") continue;
    const auto value = pair.substr(equals + 1);
    constexpr std::string_view scheme = "bearer ";
    const bool bearer = value.size() > scheme.size() &&
                        std::equal(scheme.begin(), scheme.end(), value.begin(),
                                   [](char lower, char c) { return lower == (c >= 'A' && c <= 'Z' ? c + 32 : c); });
    if (!bearer || token) return std::nullopt;
    token = value.substr(scheme.size());
  }
  if (pairs.size() != 1 || !token || !is_token(*token)) return std::nullopt;
  return token;
}

// What both have in common: a refusal is told in JSON, which the client acknowledges (RFC 7628 3.2.3).
class bearer : public exchange {
 public:
  explicit bearer(std::string refusal) : refusal_(std::move(refusal)) {}

  step begin(std::optional<std::string> initial) final {
    return initial ? respond(std::move(*initial)) : step::challenge;
  }

  step respond(std::string message) final {
    if (std::exchange(refused_, false)) return step::failed;
    return take(message);
  }

  step conclude(bool good) final {
    if (good) return step::succeeded;
    refused_ = true;
    challenge_ = refusal_;
    return step::challenge;
  }

 protected:
  virtual step take(std::string_view message) = 0;

 private:
  const std::string refusal_;
  bool refused_ = false;
};

class oauthbearer final : public bearer {
 public:
  oauthbearer() : bearer(R"({"status":"invalid_token"})") {}

 private:
  step take(std::string_view message) override {
    auto header = parse_gs2(message);
    if (!header || header->rest.empty() || header->rest.front() != separator) return step::malformed;
    auto token = token_of(header->rest.substr(1));
    if (!token) return step::malformed;
    login_ = std::move(header->authzid);
    secret_ = std::move(*token);
    return step::check_token;
  }
};

class xoauth2 final : public bearer {
 public:
  xoauth2() : bearer(R"({"status":"401","schemes":"bearer"})") {}

 private:
  step take(std::string_view message) override {
    if (!message.starts_with("user=")) return step::malformed;
    const auto end = message.find(separator);
    if (end == std::string_view::npos) return step::malformed;
    const auto name = message.substr(5, end - 5);
    auto token = token_of(message.substr(end + 1));
    if (!token || name.empty() || name.size() > login_bytes_max || name.find('\0') != name.npos) return step::malformed;
    login_ = name;
    secret_ = std::move(*token);
    return step::check_token;
  }
};

}  // namespace

std::unique_ptr<exchange> make_oauthbearer() {
  return std::make_unique<oauthbearer>();
}
std::unique_ptr<exchange> make_xoauth2() {
  return std::make_unique<xoauth2>();
}

}  // namespace gonets::sasl::detail
