// A map from text that holds so many entries and no more: what was touched longest ago goes first. Not thread-safe.
#pragma once
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace gonets::auth::detail {

template <class Value>
class lru_map {
 public:
  struct entry {
    std::string key;
    Value value;
  };

  explicit lru_map(std::size_t max) : max_(max) {}

  // Valid until the next change; null when it is not there.
  const Value* peek(std::string_view key) const {
    const auto at = index_.find(key);
    return at == index_.end() ? nullptr : &at->second->value;
  }
  Value* touch(std::string_view key) {
    const auto at = index_.find(key);
    if (at == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, at->second);
    return &at->second->value;
  }
  Value& put(std::string_view key) {
    if (auto* there = touch(key)) return *there;
    if (entries_.size() == max_) {
      index_.erase(entries_.back().key);
      entries_.pop_back();
    }
    entries_.push_front({std::string(key), {}});
    index_.emplace(entries_.front().key, entries_.begin());
    return entries_.front().value;
  }
  bool erase(std::string_view key) {
    const auto at = index_.find(key);
    if (at == index_.end()) return false;
    const auto gone = at->second;
    index_.erase(at);
    entries_.erase(gone);
    return true;
  }
  std::size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::size_t max_;
  std::list<entry> entries_;                                                         // touched last first
  std::unordered_map<std::string_view, typename std::list<entry>::iterator> index_;  // keys are views into entries_
};

}  // namespace gonets::auth::detail
