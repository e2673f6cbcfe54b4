// What every handler of secrets needs: randomness from the kernel, comparison in constant time, and the digests that
// secrets are kept by. Pure but for random_bytes.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace gonets {

// Fit for keys, salts and passwords. Throws std::runtime_error when the system gives none.
std::string random_bytes(std::size_t count);

// Takes the same time wherever they differ; the lengths are no secret.
bool equal_in_constant_time(std::string_view a, std::string_view b);

std::string sha256(std::string_view data);                             // 32 bytes
std::string hmac_sha256(std::string_view key, std::string_view data);  // 32 bytes

}  // namespace gonets
