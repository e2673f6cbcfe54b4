// How passwords are kept: argon2id (RFC 9106) in PHC string form, and the verifier of SCRAM-SHA-256 (RFC 5802 3,
// RFC 7677). Pure: salts come from the caller, fresh for each password (base/secret.h). Slow on purpose: tens of
// milliseconds a call, so never on a shard.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gonets::sasl {

// OWASP's first choice for argon2id. Costs 10 to 20 ms and 19 MiB while it runs.
struct argon2_cost {
  std::uint32_t memory_kib = 19'456;
  std::uint32_t passes = 2;
  std::uint32_t lanes = 1;
};

inline constexpr std::size_t salt_bytes = 16;
inline constexpr std::size_t password_bytes_max = 1024;  // longer ones never match, and can't be hashed
// RFC 7677 4 asks for 4096 at least. The passwords are ours, random and long, so more would only cost time.
inline constexpr std::uint32_t scram_iterations = 4096;

// "$argon2id$v=19$m=19456,t=2,p=1$salt$hash". Throws std::invalid_argument for a salt under 8 bytes or a password over
// the limit, std::bad_alloc without memory.
std::string hash_password(std::string_view password, std::string_view salt, const argon2_cost& cost = {});
// In constant time. False for a text that is no argon2id hash, or one that asks for more than 256 MiB or 16 passes.
bool verify_password(std::string_view password, const std::string& phc);

// What a server keeps to check SCRAM: it proves knowledge of the password but does not give it away.
struct scram_verifier {
  std::uint32_t iterations = 0;
  std::string salt, stored_key, server_key;  // bytes; empty keys: SCRAM is off
  bool operator==(const scram_verifier&) const = default;
};

// Of RFC 4013 (SASLprep) only what ASCII needs: printable ASCII maps to itself. For any other password, which the
// generator does not make, the verifier is empty, and SCRAM is off.
scram_verifier make_scram_verifier(std::string_view password, std::string_view salt,
                                   std::uint32_t iterations = scram_iterations);

}  // namespace gonets::sasl
