// SHA-256 of a body's canonical form, part by part (RFC 6376 3.7). Pure.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dkim/canonical.h"

namespace gonets::dkim {

class body_hash {
 public:
  explicit body_hash(canonicalization how, std::optional<std::uint64_t> length_max = {});
  ~body_hash();
  body_hash(body_hash&&) noexcept;
  body_hash& operator=(body_hash&&) noexcept;

  void update(std::string_view part);
  std::string finish();                           // 32 bytes; call it once
  std::uint64_t bytes() const { return bytes_; }  // of the canonical form so far

 private:
  struct digest;
  void pass_on();

  body_canonicalizer canonical_;
  std::unique_ptr<digest> digest_;
  std::string buffer_;
  std::optional<std::uint64_t> left_;
  std::uint64_t bytes_ = 0;
};

}  // namespace gonets::dkim
