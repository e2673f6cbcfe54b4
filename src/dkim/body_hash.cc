#include "dkim/body_hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <new>

namespace gonets::dkim {
namespace {
// Small enough to stay in the first cache between the canonicalizer and the hash.
constexpr std::size_t slice_bytes = 8192;
}  // namespace

struct body_hash::digest {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  digest() {
    if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  }
  digest(const digest&) = delete;
  digest& operator=(const digest&) = delete;
  ~digest() { EVP_MD_CTX_free(context); }
};

body_hash::body_hash(canonicalization how, std::optional<std::uint64_t> length_max)
    : canonical_(how), digest_(std::make_unique<digest>()), left_(length_max) {}
body_hash::~body_hash() = default;
body_hash::body_hash(body_hash&&) noexcept = default;
body_hash& body_hash::operator=(body_hash&&) noexcept = default;

void body_hash::pass_on() {
  bytes_ += buffer_.size();
  auto hashed = buffer_.size();
  if (left_) {
    hashed = static_cast<std::size_t>(std::min<std::uint64_t>(hashed, *left_));
    *left_ -= hashed;
  }
  EVP_DigestUpdate(digest_->context, buffer_.data(), hashed);
  buffer_.clear();
}

void body_hash::update(std::string_view part) {
  while (!part.empty()) {
    const auto taken = canonical_.update(part.substr(0, slice_bytes), buffer_);
    pass_on();
    part.remove_prefix(taken);
  }
}

std::string body_hash::finish() {
  while (!canonical_.finish(buffer_))
    pass_on();
  pass_on();
  std::string hash(32, '\0');
  EVP_DigestFinal_ex(digest_->context, reinterpret_cast<unsigned char*>(hash.data()), nullptr);
  return hash;
}

}  // namespace gonets::dkim
