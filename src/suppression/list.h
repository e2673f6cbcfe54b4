// Addresses that an account's mail is not sent to: dead ones, and those of people who don't want it. Kept in the family
// `suppression` (docs/formats/suppression.md); in memory is only a fingerprint of each, which answers nearly every
// look-up, so that ten million cost no more than 100 MiB.
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "storage/store.h"
#include "suppression/address.h"
#include "suppression/fingerprints.h"
#include "suppression/soft_bounces.h"

namespace gonets::suppression {

// One for each account, address and scope.
struct entry {
  account_id account;
  std::string address;  // as normalised() gives it
  std::string scope;    // a stream, or of_list(); empty: all of the account's mail
  std::string reason;   // a category of bounces, "soft_bounces", "complained", "unsubscribed", "manual", or one's words
  message_id source;    // the message that caused it; zero: none
  wall_time since{};
  wall_time expires{};  // zero: never
  bool operator==(const entry&) const = default;
};

// The scope of a mailing list's mail (message/list_id.h), which is no name of a stream; and the other way round, empty
// for another scope.
std::string of_list(std::string_view list_id);
std::string_view list_in(std::string_view scope);

std::string key_of(const entry& e);
void encode(const entry& e, std::string& to);  // the value
std::optional<entry> decode(std::string_view key, std::string_view value);

struct change {
  entry what;
  bool remove = false;  // then `what` names account, address and scope: all spellings of it go
};

// Of entries whose reason names them; the reason of those that soft bounces made.
inline constexpr std::string_view complained = "complained", unsubscribed = "unsubscribed", softly = "soft_bounces";

// Thread-safe, as its parts are.
class list {
 public:
  // Blocking. Until it is done, may_have() is true of everyone.
  storage::result<std::uint64_t> load(const storage::store& from);

  // Of the committer's thread, which builds one batch at a time: each adds to the batch.
  void begin_batch() { soft_.begin_batch(); }
  void put(const std::vector<change>& changes, storage::batch& to);
  void put(const std::vector<soft_change>& changes, const storage::store& from, storage::batch& to);

  // Whether it must be looked up: false is certain. Does not block; allocates only for what is not ASCII.
  bool may_have(account_id of, std::string_view address) const {
    return !loaded_.load(std::memory_order_acquire) || seen_.may_have(of, address);
  }
  std::uint64_t fingerprints() const { return seen_.size(); }
  soft_bounces& soft() { return soft_; }
  const soft_bounces& soft() const { return soft_; }

 private:
  // What was removed stays until the next start: another address may have the same.
  fingerprint_set<std::uint32_t> seen_;
  std::atomic<bool> loaded_{false};
  soft_bounces soft_;
};

// What mail is, as far as scopes go by it; either may be empty.
struct mail {
  std::string_view stream, list_id;
};
// Blocking reads. What applies to such mail now; of several the one for all.
storage::result<std::optional<entry>> find(const storage::store& in, account_id of, std::string_view address,
                                           const mail& what, wall_time now);
// The one for that account, address and scope alone, expired or not.
storage::result<std::optional<entry>> get(const storage::store& in, account_id of, std::string_view address,
                                          std::string_view scope);
// Those of an address in all scopes, expired or not.
storage::result<std::vector<entry>> read_address(const storage::store& in, account_id of, std::string_view address);

// Empty or zero: whatever it is.
struct filter {
  std::string reason, scope;
  std::string text;  // somewhere in the address, in lower case
  wall_time since{};
  bool matches(const entry& e) const;
};
struct page {
  std::vector<entry> rows;
  std::string next;  // the key to go on behind; empty: that is all
};
inline constexpr std::size_t entries_a_look = 200'000;
// Those of the account behind `after`, a key or empty, by address, at most `max`; expired ones too. It looks at
// entries_a_look of them at most, and so may find fewer before the end.
storage::result<page> read(const storage::store& in, account_id of, std::string_view after, std::size_t max,
                           const filter& which = {});

}  // namespace gonets::suppression
