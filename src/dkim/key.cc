#include "dkim/key.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>

#include <array>
#include <new>

#include "base/secret.h"
#include "dkim/tag_list.h"

namespace gonets::dkim {
namespace {

constexpr int signing_bits_min = 2048;
constexpr int verifying_bits_min = 1024;  // RFC 8301 3.2
constexpr int bits_max = 4096;
constexpr std::size_t ed25519_key_bytes = 32;

struct free_bio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct free_context {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using context = std::unique_ptr<EVP_MD_CTX, free_context>;

EVP_PKEY* raw(const detail::key_handle& key) {
  return static_cast<EVP_PKEY*>(key.get());
}
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

// A PEM that asks for a passphrase is refused rather than read from the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

void detail::free_key::operator()(void* key) const {
  EVP_PKEY_free(static_cast<EVP_PKEY*>(key));
}

// As libsodium has it: the private key of RFC 8032, then the public one.
struct detail::ed25519_secret {
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> bytes{};
  ~ed25519_secret() { sodium_memzero(bytes.data(), bytes.size()); }
};

void detail::free_ed25519::operator()(ed25519_secret* secret) const {
  delete secret;
}

private_key::private_key(detail::key_handle key, algorithm kind) : key_(std::move(key)), kind_(kind) {
  if (kind_ != algorithm::ed25519_sha256) return;
  static const bool sodium_is_there = sodium_init() >= 0;
  ed25519_.reset(new detail::ed25519_secret);
  // Each key of this kind has both halves, so that only a lack of memory makes these fail.
  auto& bytes = ed25519_->bytes;
  std::size_t private_bytes = crypto_sign_SEEDBYTES;
  std::size_t public_bytes = crypto_sign_PUBLICKEYBYTES;
  if (!sodium_is_there || EVP_PKEY_get_raw_private_key(raw(key_), bytes.data(), &private_bytes) != 1 ||
      EVP_PKEY_get_raw_public_key(raw(key_), bytes.data() + crypto_sign_SEEDBYTES, &public_bytes) != 1)
    throw std::bad_alloc();
}

std::string_view to_text(algorithm a) {
  return a == algorithm::rsa_sha256 ? "rsa-sha256" : "ed25519-sha256";
}

std::expected<private_key, std::string> private_key::from_pem(std::string_view pem) {
  const std::unique_ptr<BIO, free_bio> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  detail::key_handle key(in ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (!key) return std::unexpected("no private key in PEM without a passphrase");
  if (EVP_PKEY_is_a(raw(key), "ED25519") == 1) return private_key(std::move(key), algorithm::ed25519_sha256);
  if (EVP_PKEY_is_a(raw(key), "RSA") != 1) {
    const char* name = EVP_PKEY_get0_type_name(raw(key));
    return std::unexpected(
        fmt::format("a key of type {}; DKIM has RSA and Ed25519", name != nullptr ? name : "unknown"));
  }
  const int bits = EVP_PKEY_get_bits(raw(key));
  if (bits < signing_bits_min || bits > bits_max)
    return std::unexpected(fmt::format("an RSA key of {} bits; {} to {} are of use", bits, signing_bits_min, bits_max));
  return private_key(std::move(key), algorithm::rsa_sha256);
}

std::expected<private_key, std::string> private_key::generate(algorithm kind, int bits) {
  if (kind == algorithm::rsa_sha256 && bits != 2048 && bits != 3072 && bits != 4096)
    return std::unexpected(fmt::format("an RSA key of {} bits; 2048, 3072 and 4096 can be made", bits));
  detail::key_handle key(kind == algorithm::rsa_sha256
                             ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits))
                             : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) return std::unexpected("OpenSSL could not make a key");
  return private_key(std::move(key), kind);
}

int private_key::bits() const {
  return EVP_PKEY_get_bits(raw(key_));
}

std::string private_key::to_pem() const {
  const std::unique_ptr<BIO, free_bio> out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), raw(key_), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return {};
  const char* at = nullptr;
  const auto length = BIO_get_mem_data(out.get(), &at);
  return {at, static_cast<std::size_t>(length)};
}

std::string private_key::sign(std::string_view text) const {
  if (ed25519_) {
    // RFC 8463 3: the hash is signed as if it were the message.
    const auto hash = sha256(text);
    std::string signature(crypto_sign_BYTES, '\0');
    crypto_sign_detached(bytes_of(signature), nullptr, bytes_of(hash), hash.size(), ed25519_->bytes.data());
    return signature;
  }
  const context with(EVP_MD_CTX_new());
  std::size_t length = static_cast<std::size_t>(EVP_PKEY_get_size(raw(key_)));
  std::string signature(length, '\0');
  if (!with || EVP_DigestSignInit(with.get(), nullptr, EVP_sha256(), nullptr, raw(key_)) != 1 ||
      EVP_DigestSign(with.get(), bytes_of(signature), &length, bytes_of(text), text.size()) != 1)
    return {};
  signature.resize(length);
  return signature;
}

std::string private_key::record() const {
  if (kind_ == algorithm::ed25519_sha256) {
    std::string key(ed25519_key_bytes, '\0');
    std::size_t length = key.size();
    EVP_PKEY_get_raw_public_key(raw(key_), bytes_of(key), &length);
    return "v=DKIM1; k=ed25519; p=" + to_base64(key);
  }
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(raw(key_), &der);
  const std::string key(reinterpret_cast<char*>(der), length > 0 ? static_cast<std::size_t>(length) : 0);
  OPENSSL_free(der);
  return "v=DKIM1; k=rsa; p=" + to_base64(key);
}

std::expected<public_key, std::string> public_key::from_record(std::string_view record) {
  const auto tags = tag_list::parse(record);
  if (!tags) return std::unexpected("the key record is not a list of tags");
  if (const auto version = tags->find("v"); version && (*version != "DKIM1" || tags->first() != "v"))
    return std::unexpected("the key record is not of version DKIM1");
  const auto type = tags->find("k").value_or("rsa");
  if (type != "rsa" && type != "ed25519") return std::unexpected("the key record has an unknown key type");
  public_key found(type == "rsa" ? algorithm::rsa_sha256 : algorithm::ed25519_sha256);
  bool for_sha256 = !tags->find("h");
  for_each_item(tags->find("h").value_or(""), ':', [&](auto hash) { for_sha256 |= hash == "sha256"; });
  if (!for_sha256) return std::unexpected("the key record does not allow sha256");
  bool for_mail = !tags->find("s");
  for_each_item(tags->find("s").value_or(""), ':', [&](auto use) { for_mail |= use == "*" || use == "email"; });
  if (!for_mail) return std::unexpected("the key record is not for email");
  for_each_item(tags->find("t").value_or(""), ':', [&](auto flag) {
    found.testing_ |= flag == "y";
    found.strict_ |= flag == "s";
  });
  const auto encoded = tags->find("p");
  if (!encoded) return std::unexpected("the key record has no key");
  if (encoded->empty()) return found;
  const auto der = from_base64(*encoded);
  if (!der) return std::unexpected("the key record's key is not base64");
  if (found.kind_ == algorithm::ed25519_sha256) {
    found.key_.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(*der), der->size()));
  } else {
    const auto size = static_cast<long>(der->size());
    const auto* at = bytes_of(*der);
    found.key_.reset(d2i_PUBKEY(nullptr, &at, size));
    // RFC 6376 3.6.1 names the bare RSAPublicKey; everybody publishes a SubjectPublicKeyInfo.
    at = bytes_of(*der);
    if (!found.key_) found.key_.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
    if (found.key_ && EVP_PKEY_is_a(raw(found.key_), "RSA") != 1) found.key_.reset();
  }
  if (!found.key_) return std::unexpected("the key record's key cannot be read");
  const int bits = EVP_PKEY_get_bits(raw(found.key_));
  if (found.kind_ == algorithm::rsa_sha256 && (bits < verifying_bits_min || bits > 2 * bits_max))
    return std::unexpected(fmt::format("the key has {} bits; {} is the least", bits, verifying_bits_min));
  return found;
}

bool public_key::verifies(std::string_view text, std::string_view signature) const {
  if (!key_) return false;
  const bool rsa = kind_ == algorithm::rsa_sha256;
  const auto signed_text = rsa ? std::string(text) : sha256(text);
  const context with(EVP_MD_CTX_new());
  return with && EVP_DigestVerifyInit(with.get(), nullptr, rsa ? EVP_sha256() : nullptr, nullptr, raw(key_)) == 1 &&
         EVP_DigestVerify(with.get(), bytes_of(signature), signature.size(), bytes_of(signed_text),
                          signed_text.size()) == 1;
}

}  // namespace gonets::dkim
