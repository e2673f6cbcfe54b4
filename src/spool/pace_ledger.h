// What the scheduler must know after a crash besides the queue: how much of each limit is used, holds, pins. It is a
// map of texts to bytes, whose grammar is the scheduler's (docs/formats/pace.md); all of it is in memory.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "storage/store.h"

namespace gonets::spool {

// To be kept from now on, in place of what the key had; an empty value: to be forgotten.
struct pace_fact {
  std::string key, value;
  wall_time expires{};  // nobody needs it after that; zero: needed until it is replaced
};

class pace_ledger {
 public:
  // What has expired is removed from `from` on the way.
  storage::result<void> load(storage::store& from, wall_time now);

  // Of the committer's thread: adds the facts to the batch, as of `now`.
  void put(const std::vector<pace_fact>& facts, wall_time now, storage::batch& to);

  // From any thread.
  std::optional<std::string> find(std::string_view key) const;
  std::vector<std::pair<std::string, std::string>> with_prefix(std::string_view prefix) const;
  // When the latest fact that was loaded had been written; zero: there was none.
  wall_time latest() const { return latest_; }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> facts_;
  wall_time latest_{};
};

}  // namespace gonets::spool
