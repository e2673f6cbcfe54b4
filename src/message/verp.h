// Return paths that name a recipient (VERP), so that whatever comes back tells by its address alone which one it is
// about, and prove that we made them. Pure.
//
//   local-part := "b-" queue-id "-" index "-" proof       b-35eyyfhhg001-0-4t6kq02m9cxz
//   queue-id   := 12 base-32 digits, as ids.h writes them, lower case
//   index      := decimal
//   proof      := 12 base-32 digits: the first 60 bits of HMAC-SHA-256 over "b", the id and the index
//
// Servers on the way may change the case of a local-part, so it does not count.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace gonets::message {

struct verp {
  message_id message;
  recipient_index recipient;
  bool operator==(const verp&) const = default;
};

class verp_signer {
 public:
  using key = std::array<std::uint8_t, 32>;
  explicit verp_signer(const key& k) : key_(k) {}

  std::string local_part(const verp& of) const;
  // Nothing: it is not of this form, or was not made with this key.
  std::optional<verp> open(std::string_view local_part) const;

 private:
  std::string proof(const verp& of) const;
  key key_;
};

}  // namespace gonets::message
