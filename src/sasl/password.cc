#include "sasl/password.h"

#include <argon2.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <optional>
#include <stdexcept>

#include "base/secret.h"
#include "sasl/detail/mechanisms.h"

namespace gonets::sasl {
namespace {

constexpr std::size_t hash_bytes = 32;
constexpr std::size_t salt_bytes_min = 8;  // argon2's own
constexpr std::uint32_t memory_kib_max = 262'144;
constexpr std::uint32_t passes_max = 16;

// The number after `name` and '=' in "$argon2id$v=19$m=19456,t=2,p=1$...".
std::optional<std::uint32_t> cost_named(std::string_view phc, std::string_view name) {
  const auto at = phc.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint32_t value = 0;
  const auto* from = phc.data() + at + name.size();
  if (std::from_chars(from, phc.data() + phc.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

// A hash out of a damaged or foreign database must not take all memory.
bool is_bearable(std::string_view phc) {
  const auto memory = cost_named(phc, "$m="), passes = cost_named(phc, ",t=");
  return phc.starts_with("$argon2id$") && memory && *memory <= memory_kib_max && passes && *passes <= passes_max;
}

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

std::string hash_password(std::string_view password, std::string_view salt, const argon2_cost& cost) {
  if (salt.size() < salt_bytes_min) throw std::invalid_argument("a salt of 8 bytes at least is needed");
  if (password.size() > password_bytes_max) throw std::invalid_argument("the password is too long");
  std::string made(argon2_encodedlen(cost.passes, cost.memory_kib, cost.lanes, static_cast<std::uint32_t>(salt.size()),
                                     hash_bytes, Argon2_id),
                   '\0');
  const int result = argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, password.data(), password.size(),
                                           salt.data(), salt.size(), hash_bytes, made.data(), made.size());
  if (result == ARGON2_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
  if (result != ARGON2_OK) throw std::invalid_argument(argon2_error_message(result));
  made.resize(made.find('\0'));
  return made;
}

bool verify_password(std::string_view password, const std::string& phc) {
  if (password.size() > password_bytes_max || !is_bearable(phc)) return false;
  const int result = argon2id_verify(phc.c_str(), password.data(), password.size());
  if (result == ARGON2_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
  return result == ARGON2_OK;
}

detail::scram_keys detail::make_scram_keys(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  std::string salted(hash_bytes, '\0');
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                    static_cast<int>(iterations), EVP_sha256(), static_cast<int>(salted.size()),
                    reinterpret_cast<unsigned char*>(salted.data()));
  return {hmac_sha256(salted, "Client Key"), hmac_sha256(salted, "Server Key")};
}

scram_verifier make_scram_verifier(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  if (password.empty() || password.size() > password_bytes_max || !is_printable_ascii(password)) return {};
  const auto keys = detail::make_scram_keys(password, salt, iterations);
  return {iterations, std::string(salt), sha256(keys.client), keys.server};
}

}  // namespace gonets::sasl
