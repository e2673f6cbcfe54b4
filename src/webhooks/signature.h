// Standard Webhooks (https://www.standardwebhooks.com): secrets, and the signature of what is sent. Pure but for
// make_secret().
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gonets::webhooks {

std::string make_secret();              // "whsec_" and the base64 of 32 random bytes
bool is_secret(std::string_view text);  // one that sign() can use: of 24 to 64 bytes

// The field webhook-signature: "v1," and the base64 of HMAC-SHA-256 over "id.timestamp.body". With a `previous` secret,
// two of them with a blank between: a receiver that knows either finds its own.
std::string sign(std::string_view secret, std::string_view previous, std::string_view id, std::int64_t unix_seconds,
                 std::string_view body);

}  // namespace gonets::webhooks
