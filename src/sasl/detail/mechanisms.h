// The mechanisms that need a file of their own.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sasl/exchange.h"

namespace gonets::sasl::detail {

std::unique_ptr<exchange> make_scram(std::string nonce);
std::unique_ptr<exchange> make_oauthbearer();
std::unique_ptr<exchange> make_xoauth2();

// The head of SCRAM's and OAuth's first message (RFC 5801 4, without channel binding): "n,a=name," or "y,,".
struct gs2_header {
  std::string authzid;
  std::string_view rest;   // of the message
  std::string_view whole;  // the header itself, as SCRAM repeats it
};
std::optional<gs2_header> parse_gs2(std::string_view message);
// RFC 5802 5.1: "=2C" is a comma, "=3D" an equals sign, nothing else may follow one.
std::optional<std::string> decode_saslname(std::string_view text);
std::string encode_saslname(std::string_view name);
// Takes "k=value" up to the next comma off the front; nothing if another attribute stands there.
std::optional<std::string_view> take_attribute(std::string_view& text, char key);
std::string xor_of(std::string a, std::string_view b);  // b is as long as a

// RFC 5802 3: ClientKey and ServerKey.
struct scram_keys {
  std::string client, server;
};
scram_keys make_scram_keys(std::string_view password, std::string_view salt, std::uint32_t iterations);

}  // namespace gonets::sasl::detail
