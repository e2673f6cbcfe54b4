// The mechanisms that need a file of their own.
#pragma once
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

}  // namespace gonets::sasl::detail
