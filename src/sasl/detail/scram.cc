#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/secret.h"
#include "sasl/detail/mechanisms.h"

namespace gonets::sasl::detail {
namespace {

constexpr std::size_t nonce_bytes_max = 256;
constexpr std::size_t message_bytes_max = 2048;

bool is_nonce(std::string_view text) {
  return !text.empty() && text.size() <= nonce_bytes_max &&
         std::ranges::all_of(text, [](char c) { return c >= '!' && c <= '~' && c != ','; });
}

class scram final : public exchange {
 public:
  explicit scram(std::string nonce) : server_nonce_(std::move(nonce)) {}

  step begin(std::optional<std::string> initial) override {
    return initial ? respond(std::move(*initial)) : step::challenge;
  }

  step respond(std::string message) override {
    if (message.size() > message_bytes_max) return step::malformed;
    switch (now_) {
      case state::client_first:
        return take_first(message);
      case state::client_final:
        return take_final(message);
      case state::acknowledgement:  // of the server's signature: an empty one
        return message.empty() ? step::succeeded : step::malformed;
      case state::lookup:
      case state::verdict:
        break;
    }
    return step::malformed;
  }

  step give(const scram_verifier& kept) override {
    if (now_ != state::lookup) return step::malformed;
    kept_ = kept;
    nonce_ += server_nonce_;
    server_first_ = "r=" + nonce_ + ",s=" + encode_base64(kept_.salt) + ",i=" + std::to_string(kept_.iterations);
    challenge_ = server_first_;
    now_ = state::client_final;
    return step::challenge;
  }

  step conclude(bool good) override {
    if (now_ != state::verdict || !good) return step::failed;
    challenge_ = "v=" + encode_base64(signature_);
    now_ = state::acknowledgement;
    return step::challenge;
  }

 private:
  //   client_first -> lookup -> client_final -> verdict -> acknowledgement
  enum class state : std::uint8_t { client_first, lookup, client_final, verdict, acknowledgement };

  step take_first(std::string_view message) {
    const auto header = parse_gs2(message);
    if (!header) return step::malformed;
    gs2_ = header->whole;
    client_first_bare_ = header->rest;
    auto rest = header->rest;
    const auto name = take_attribute(rest, 'n');
    const auto nonce = name ? take_attribute(rest, 'r') : std::nullopt;
    if (!nonce || !is_nonce(*nonce)) return step::malformed;
    auto decoded = decode_saslname(*name);
    if (!decoded || decoded->empty() || decoded->size() > login_bytes_max) return step::malformed;
    login_ = std::move(*decoded);
    nonce_ = *nonce;
    if (!header->authzid.empty() && header->authzid != login_) return step::failed;
    now_ = state::lookup;
    return step::look_up;
  }

  step take_final(std::string_view message) {
    const auto proof_at = message.rfind(",p=");
    if (proof_at == std::string_view::npos) return step::malformed;
    const auto without_proof = message.substr(0, proof_at);
    const auto proof = decode_base64(message.substr(proof_at + 3));
    auto rest = without_proof;
    const auto binding = take_attribute(rest, 'c');
    const auto nonce = binding ? take_attribute(rest, 'r') : std::nullopt;
    if (!proof || !nonce || decode_base64(*binding) != gs2_) return step::malformed;
    if (!equal_in_constant_time(*nonce, nonce_)) return step::failed;
    const auto all = client_first_bare_ + ',' + server_first_ + ',' + std::string(without_proof);
    const auto expected = hmac_sha256(kept_.stored_key, all);
    if (proof->size() != expected.size() || kept_.stored_key.empty()) return step::failed;
    if (!equal_in_constant_time(sha256(xor_of(*proof, expected)), kept_.stored_key)) return step::failed;
    signature_ = hmac_sha256(kept_.server_key, all);
    now_ = state::verdict;
    return step::proved;
  }

  state now_ = state::client_first;
  std::string server_nonce_, nonce_;
  std::string gs2_, client_first_bare_, server_first_, signature_;
  scram_verifier kept_;
};

}  // namespace

std::optional<gs2_header> parse_gs2(std::string_view message) {
  // "p=..." asks for channel binding, which is not offered.
  if (!message.starts_with("n,") && !message.starts_with("y,")) return std::nullopt;
  const auto end = message.find(',', 2);
  if (end == std::string_view::npos) return std::nullopt;
  gs2_header header;
  header.whole = message.substr(0, end + 1);
  header.rest = message.substr(end + 1);
  const auto authzid = message.substr(2, end - 2);
  if (authzid.empty()) return header;
  if (!authzid.starts_with("a=")) return std::nullopt;
  auto decoded = decode_saslname(authzid.substr(2));
  if (!decoded || decoded->size() > login_bytes_max) return std::nullopt;
  header.authzid = std::move(*decoded);
  return header;
}

std::optional<std::string_view> take_attribute(std::string_view& text, char key) {
  if (text.size() < 2 || text[0] != key || text[1] != '=') return std::nullopt;
  const auto value = text.substr(2, text.find(',') == std::string_view::npos ? text.npos : text.find(',') - 2);
  text.remove_prefix(std::min(text.size(), value.size() + 3));
  return value;
}

std::string xor_of(std::string a, std::string_view b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    a[i] = static_cast<char>(a[i] ^ b[i]);
  return a;
}

std::string encode_saslname(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == ',') {
      text += "=2C";
    } else if (c == '=') {
      text += "=3D";
    } else {
      text += c;
    }
  }
  return text;
}

std::optional<std::string> decode_saslname(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0') return std::nullopt;
    if (text[i] != '=') {
      name += text[i];
      continue;
    }
    const auto code = text.substr(i + 1, 2);
    if (code != "2C" && code != "3D") return std::nullopt;
    name += code == "2C" ? ',' : '=';
    i += 2;
  }
  return name;
}

std::unique_ptr<exchange> make_scram(std::string nonce) {
  return std::make_unique<scram>(std::move(nonce));
}

}  // namespace gonets::sasl::detail
