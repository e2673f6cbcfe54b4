// A set of addresses of accounts, of which it keeps a number each: what it says no to is certain. Thread-safe.
#pragma once
#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <string_view>

#include "base/ids.h"

namespace gonets::suppression {

// The same for all spellings of an address. Allocates only where it is not ASCII.
std::uint64_t fingerprint_of(account_id of, std::string_view address);

// With 32 bits other addresses may have the same number, so that none may be taken out; with 64 that doesn't happen.
template <class Number>
class fingerprint_set {
 public:
  void add(account_id of, std::string_view address) {
    const auto number = fingerprint_of(of, address);
    auto& in = part_of(number);
    const std::lock_guard guard(in.mutex);
    if (in.numbers.insert(static_cast<Number>(number)).second) size_.fetch_add(1, std::memory_order_release);
  }

  void remove(account_id of, std::string_view address) requires(sizeof(Number) == sizeof(std::uint64_t)) {
    const auto number = fingerprint_of(of, address);
    auto& in = part_of(number);
    const std::lock_guard guard(in.mutex);
    if (in.numbers.erase(number) != 0) size_.fetch_sub(1, std::memory_order_release);
  }

  bool may_have(account_id of, std::string_view address) const {
    if (size() == 0) return false;
    const auto number = fingerprint_of(of, address);
    const auto& in = parts_[number >> 32 & (parts - 1)];
    const std::shared_lock guard(in.mutex);
    return in.numbers.contains(static_cast<Number>(number));
  }

  std::uint64_t size() const { return size_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t parts = 64;
  struct part {
    mutable std::shared_mutex mutex;
    boost::unordered_flat_set<Number> numbers;
  };
  part& part_of(std::uint64_t number) { return parts_[number >> 32 & (parts - 1)]; }

  std::array<part, parts> parts_;
  std::atomic<std::uint64_t> size_{0};
};

}  // namespace gonets::suppression
