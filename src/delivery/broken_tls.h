// Which mail hosts offer a TLS that does not work, so that mail that may go in the clear is not held up by trying again
// each time. On a shard.
#pragma once
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace gonets::delivery {

class broken_tls {
 public:
  static constexpr std::chrono::hours remembered_for{1};
  static constexpr std::size_t hosts_max = 10'000;  // beyond: all that is remembered goes at once

  void note(std::string_view host, std::string why, steady_time now);
  // Why it is thought to be broken; null: it is not, or no longer.
  const std::string* find(std::string_view host, steady_time now) const;
  std::size_t size() const { return hosts_.size(); }

 private:
  struct entry {
    std::string why;
    steady_time until;
  };
  std::unordered_map<std::string, entry> hosts_;
};

}  // namespace gonets::delivery
