// "At most N at the same time", and who has them: open connections by site, for instance. Each is taken and given back
// by its holder's number. Lives where its node does; no time is involved.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>

namespace gonets::shaping {

class concurrency_limit {
 public:
  using holder = std::uint32_t;

  explicit concurrency_limit(std::uint32_t max = 0) : max_(max) {}

  bool fits() const { return used_ < max_; }
  bool take(holder who) {
    if (!fits()) return false;
    ++used_;
    ++held_[who];
    return true;
  }
  // False: `who` has none. Nothing changes then.
  bool give_back(holder who) {
    const auto at = held_.find(who);
    if (at == held_.end()) return false;
    --used_;
    if (--at->second == 0) held_.erase(at);
    return true;
  }

  // Lower than what is used: none is taken until enough were given back.
  void set_max(std::uint32_t max) { max_ = max; }
  std::uint32_t max() const { return max_; }
  std::uint32_t used() const { return used_; }
  const boost::unordered_flat_map<holder, std::uint32_t>& holders() const { return held_; }

 private:
  std::uint32_t max_;
  std::uint32_t used_ = 0;
  boost::unordered_flat_map<holder, std::uint32_t> held_;
};

}  // namespace gonets::shaping
