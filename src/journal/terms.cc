#include "journal/terms.h"

#include <algorithm>
#include <bit>

namespace gonets::journal {

// FNV-1a, with the last step of MurmurHash3, as B-trees like their numbers well spread no less than hash tables do.
std::int64_t term_of(term_kind kind, std::string_view text) {
  constexpr std::uint64_t prime = 0x100000001b3;
  std::uint64_t h = (0xcbf29ce484222325 ^ static_cast<unsigned char>(kind)) * prime;
  for (const char c : text)
    h = (h ^ static_cast<unsigned char>(c)) * prime;
  h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
  h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
  return std::bit_cast<std::int64_t>(h ^ h >> 33);
}

namespace {

constexpr std::uint64_t sign = std::uint64_t{1} << 63;  // turned: numbers in the order of the terms, from 0
constexpr unsigned term_bits = 64;
constexpr unsigned hours_a_day = 24;
constexpr unsigned parts_max = 1024;  // of an hour; stored, never change it

}  // namespace

std::uint64_t merge_slice_of(std::int64_t term, unsigned bits) {
  return bits == 0 ? 0 : (std::bit_cast<std::uint64_t>(term) ^ sign) >> (term_bits - bits);
}

std::pair<std::int64_t, std::int64_t> merge_slice(std::uint64_t slice, unsigned bits) {
  const auto first = bits == 0 ? 0 : slice << (term_bits - bits);
  const auto rest = bits == 0 ? ~std::uint64_t{0} : (std::uint64_t{1} << (term_bits - bits)) - 1;
  return {std::bit_cast<std::int64_t>(first ^ sign), std::bit_cast<std::int64_t>((first + rest) ^ sign)};
}

unsigned hour_of(message_id id) {
  constexpr std::int64_t ms_an_hour = 3'600'000;
  return static_cast<unsigned>(accepted_at_ms(id) / ms_an_hour % hours_a_day);
}

slots::slots(std::vector<message_id> splits) : splits_(std::move(splits)) {}

unsigned slots::of(message_id id) const {
  const auto hour = hour_of(id);
  const auto before = std::ranges::upper_bound(splits_, id);
  const auto of_hour = std::ranges::lower_bound(splits_.begin(), before, hour, {}, hour_of);
  return hour * parts_max + std::min(static_cast<unsigned>(before - of_hour), parts_max - 1);
}

std::vector<unsigned> slots::between(message_id first, message_id last) const {
  std::vector<unsigned> found;
  const auto from = of(first), to = of(last);
  for (auto hour = to / parts_max + 1; hour-- > from / parts_max;) {
    for (auto part = parts_of(hour); part-- > 0;) {
      const auto slot = hour * parts_max + part;
      if (slot >= from && slot <= to) found.push_back(slot);
    }
  }
  return found;
}

std::vector<unsigned> slots::all() const {
  std::vector<unsigned> found;
  for (unsigned hour = 0; hour < hours_a_day; ++hour)
    for (unsigned part = 0; part < parts_of(hour); ++part)
      found.push_back(hour * parts_max + part);
  return found;
}

unsigned slots::parts_of(unsigned hour) const {
  const auto of_hour = std::ranges::equal_range(splits_, hour, {}, hour_of);
  return std::min(static_cast<unsigned>(of_hour.size()) + 1, parts_max);
}

}  // namespace gonets::journal
