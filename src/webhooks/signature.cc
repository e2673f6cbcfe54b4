#include "webhooks/signature.h"

#include <fmt/format.h>

#include "base/secret.h"
#include "dkim/tag_list.h"

namespace gonets::webhooks {
namespace {

constexpr std::string_view prefix = "whsec_";
constexpr std::size_t secret_bytes = 32;
constexpr std::size_t secret_bytes_min = 24, secret_bytes_max = 64;

std::optional<std::string> key_of(std::string_view secret) {
  if (!secret.starts_with(prefix)) return std::nullopt;
  return dkim::from_base64(secret.substr(prefix.size()));
}

}  // namespace

std::string make_secret() {
  return std::string(prefix) + dkim::to_base64(random_bytes(secret_bytes));
}

bool is_secret(std::string_view text) {
  const auto key = key_of(text);
  return key && key->size() >= secret_bytes_min && key->size() <= secret_bytes_max;
}

std::string sign(std::string_view secret, std::string_view previous, std::string_view id, std::int64_t unix_seconds,
                 std::string_view body) {
  auto text = fmt::format("{}.{}.", id, unix_seconds);
  text += body;
  std::string signatures;
  for (const auto each : {secret, previous}) {
    const auto key = key_of(each);
    if (!key) continue;
    if (!signatures.empty()) signatures += ' ';
    signatures += "v1," + dkim::to_base64(hmac_sha256(*key, text));
  }
  return signatures;
}

}  // namespace gonets::webhooks
