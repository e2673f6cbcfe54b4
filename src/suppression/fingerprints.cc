#include "suppression/fingerprints.h"

#include "suppression/address.h"

namespace gonets::suppression {
namespace {

struct hashed {
  std::uint64_t value;
  bool is_ascii;
};

// FNV-1a over account and address in lower case, then mixed: addresses differ in few bits.
hashed hash_of(account_id of, std::string_view address) {
  std::uint64_t h = 0xcbf29ce484222325ull ^ of.value;
  unsigned char bits = 0;
  for (const char c : address) {
    const auto lower = static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    bits |= lower;
    h = (h ^ lower) * 0x100000001b3ull;
  }
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93ull;
  return {h ^ h >> 32, bits < 0x80};
}

}  // namespace

std::uint64_t fingerprint_of(account_id of, std::string_view address) {
  const auto as_it_stands = hash_of(of, address);
  return as_it_stands.is_ascii ? as_it_stands.value : hash_of(of, normalised(address)).value;
}

}  // namespace gonets::suppression
