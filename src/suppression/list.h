// Addresses that an account's mail is not sent to: dead ones, and those of people who don't want it. Kept in the family
// `suppression` (docs/formats/suppression.md); in memory is only a fingerprint of each, which answers nearly every
// look-up, so that ten million cost no more than 100 MiB.
#pragma once
#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "storage/store.h"

namespace gonets::suppression {

// One for each account, address and scope.
struct entry {
  account_id account;
  std::string address;  // as normalised() gives it
  std::string scope;    // the stream that it is for; empty: all of the account's mail
  std::string reason;   // a category of bounces, "complained", "unsubscribed", "manual", or what an operator says
  message_id source;    // the message that caused it; zero: none
  wall_time since{};
  wall_time expires{};  // zero: never
  bool operator==(const entry&) const = default;
};

// In lower case throughout: local-parts that differ by case alone are one mailbox everywhere that matters, and to send
// to a dead one by its other spelling is worse than not to.
std::string normalised(std::string_view address);

std::string key_of(const entry& e);
void encode(const entry& e, std::string& to);  // the value
std::optional<entry> decode(std::string_view key, std::string_view value);

struct change {
  entry what;
  bool remove = false;  // then `what` names account, address and scope
};

// Thread-safe.
class list {
 public:
  // Blocking. Until it is done, may_have() is true of everyone.
  storage::result<std::uint64_t> load(const storage::store& from);
  // Of the committer's thread: adds them to the batch.
  void put(const std::vector<change>& changes, storage::batch& to);

  // Whether it must be looked up: false is certain. Neither blocks nor allocates.
  bool may_have(account_id of, std::string_view address) const;
  std::uint64_t fingerprints() const;

 private:
  static constexpr std::size_t parts = 64;
  struct part {
    mutable std::shared_mutex mutex;
    // What was removed stays until the next start: another address may have the same.
    boost::unordered_flat_set<std::uint32_t> seen;
  };
  void add(account_id of, std::string_view normalised_address);

  std::array<part, parts> parts_;
  std::atomic<bool> loaded_{false};
};

// Blocking reads. What applies to mail of that stream now; of several the one for all.
storage::result<std::optional<entry>> find(const storage::store& in, account_id of, std::string_view address,
                                           std::string_view stream, wall_time now);
// The one for that account, address and scope alone, expired or not.
storage::result<std::optional<entry>> get(const storage::store& in, account_id of, std::string_view address,
                                          std::string_view scope);
// Those of the account behind `after`, the key_of() of one or empty, by address, at most `max`; expired ones too.
storage::result<std::vector<entry>> read(const storage::store& in, account_id of, std::string_view after,
                                         std::size_t max);

}  // namespace gonets::suppression
