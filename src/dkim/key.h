// DKIM keys: signing keys from PEM, and public keys as DNS publishes them (RFC 6376 3.6.1, RFC 8463). Pure; safe to use
// from several threads at once.
#pragma once
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace gonets::dkim {

enum class algorithm : std::uint8_t { rsa_sha256, ed25519_sha256 };
std::string_view to_text(algorithm a);  // "rsa-sha256"

namespace detail {
struct free_key {
  void operator()(void* key) const;  // an EVP_PKEY
};
using key_handle = std::unique_ptr<void, free_key>;
struct ed25519_secret;
struct free_ed25519 {
  void operator()(ed25519_secret* secret) const;
};
using ed25519_handle = std::unique_ptr<ed25519_secret, free_ed25519>;
}  // namespace detail

class private_key {
 public:
  // PKCS #8, or what OpenSSL's older tools wrote. RSA of 2048 to 4096 bits, or Ed25519. The error says what was found.
  static std::expected<private_key, std::string> from_pem(std::string_view pem);
  // A new one. `bits` is of RSA only: 2048, 3072 or 4096; 4096 takes up to seconds, so never on a shard.
  static std::expected<private_key, std::string> generate(algorithm kind, int bits = 2048);

  algorithm kind() const { return kind_; }
  int bits() const;            // of RSA the modulus; of Ed25519 253, as OpenSSL counts
  std::string to_pem() const;  // PKCS #8 without a passphrase: a secret; empty when OpenSSL fails
  // Of `text`, the canonical header; empty when OpenSSL fails, which takes a lack of memory.
  std::string sign(std::string_view text) const;
  // What to publish as TXT: "v=DKIM1; k=rsa; p=...".
  std::string record() const;

 private:
  private_key(detail::key_handle key, algorithm kind);
  detail::key_handle key_;
  detail::ed25519_handle ed25519_;  // of Ed25519 only: what it signs with (ADR 20)
  algorithm kind_;
};

class public_key {
 public:
  // The TXT value of a key record; strings of one record joined. The error is a sentence for a report.
  static std::expected<public_key, std::string> from_record(std::string_view record);

  algorithm kind() const { return kind_; }
  bool revoked() const { return !key_; }          // an empty p= (RFC 6376 3.6.1)
  bool testing() const { return testing_; }       // t=y
  bool no_subdomains() const { return strict_; }  // t=s: i= must be of exactly this domain
  bool verifies(std::string_view text, std::string_view signature) const;

 private:
  explicit public_key(algorithm kind) : kind_(kind) {}
  detail::key_handle key_;
  algorithm kind_;
  bool testing_ = false;
  bool strict_ = false;
};

}  // namespace gonets::dkim
