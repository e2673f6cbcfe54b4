// Keeps private keys unreadable to who has the database but not the key file: AES-256-GCM, bound to the row that the
// value stands in. The format stands in docs/formats/accounts.md. Pure but for randomness; safe from several threads.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gonets::accounts {

class seal {
 public:
  using key = std::array<std::uint8_t, 32>;
  static constexpr std::size_t nonce_bytes = 12;

  explicit seal(const key& with) : key_(with) {}
  ~seal();  // wipes the key
  seal(const seal&) = default;
  seal& operator=(const seal&) = default;

  // The 32 bytes as 64 hex digits or as base64, with blanks around. Nothing for other text.
  static std::optional<key> parse_key(std::string_view text);

  // "1:" and base64. `place` names the row; the same must be given to unseal.
  std::string close(std::string_view secret, std::string_view place) const;
  // For tests: with a nonce that is not random.
  std::string close(std::string_view secret, std::string_view place, std::span<const std::uint8_t> nonce) const;
  // Nothing when it was sealed with another key, for another place, or was changed since.
  std::optional<std::string> open(std::string_view sealed, std::string_view place) const;
  // A key for something else, that tells nothing of this one: the same for the same purpose.
  key derive(std::string_view purpose) const;

 private:
  key key_;
};

// A-Z a-z 0-9, each as likely as the other: 5.95 bits a character.
std::string random_text(std::size_t characters);

// Reads the file, or makes it (mode 0600) when `make` and it is missing. The error names the file.
std::expected<seal::key, std::string> load_key_file(const std::string& path, bool make);

}  // namespace gonets::accounts
