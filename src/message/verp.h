// Addresses that name a recipient, and prove that we made them: return paths (VERP), so that whatever comes back tells
// by its address alone which one it is about, and those that unsubscribe. The token alone stands in fields, too. Pure.
//
//   local-part := purpose "-" token                       b-35eyyfhhg001-0-4t6kq02m9cxz
//   purpose    := "b" (a return path) | "u" (unsubscribes) | "f" (stands in Feedback-ID)
//                 | "o" (of a message's picture) | "c" (of its links)
//   token      := queue-id "-" index "-" proof            stands alone in URLs and in Feedback-ID
//   queue-id   := 12 base-32 digits, as ids.h writes them, lower case
//   index      := decimal
//   proof      := 12 base-32 digits: the first 60 bits of HMAC-SHA-256 over the purpose, the id and the
//                 index, and behind them what else it is about, if anything
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

// What is made for one is good for no other, even with the same key.
enum class verp_purpose : char { return_path = 'b', unsubscribe = 'u', feedback_id = 'f', opened = 'o', clicked = 'c' };

class verp_signer {
 public:
  using key = std::array<std::uint8_t, 32>;
  explicit verp_signer(const key& k, verp_purpose what_for = verp_purpose::return_path)
      : key_(k), purpose_(static_cast<char>(what_for)) {}

  std::string local_part(const verp& of) const;
  // `about` is needed again to open it.
  std::string token(const verp& of, std::string_view about = {}) const;
  // Nothing: it is not of this form, or was not made with this key for this purpose.
  std::optional<verp> open(std::string_view local_part) const;
  std::optional<verp> open_token(std::string_view token, std::string_view about = {}) const;
  // The first local-part or token in a text of any kind, whatever a server on the way has put around it: an address
  // that was rewritten, a URL, a field with several parts.
  std::optional<verp> find_in(std::string_view text) const;

 private:
  std::string proof(const verp& of, std::string_view about) const;
  key key_;
  char purpose_;
};

}  // namespace gonets::message
