// How often an account's mail to an address ended softly of late: what bounce::suppression_policy counts. Kept in the
// family `suppression` (docs/formats/suppression.md), so that no crash forgets it; in memory is a fingerprint of each
// address that has a count, so that one without costs nothing.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "bounce/suppression_policy.h"
#include "storage/store.h"
#include "suppression/fingerprints.h"

namespace gonets::suppression {

struct soft_bounce {
  wall_time at{};
  message_id source;
  bool late = false;  // it came back after its delivery, which therefore proves nothing
  bool operator==(const soft_bounce&) const = default;
};

// Of one account and address.
struct soft_record {
  wall_time expires{};           // then none of them counts any more
  std::vector<soft_bounce> all;  // oldest first, each message once; at most bounce::soft_bounces_max
  bool operator==(const soft_record&) const = default;
};

void encode(const soft_record& r, std::string& to);
std::optional<soft_record> decode_soft(std::string_view value);

enum class soft_news : std::uint8_t {
  bounced,
  delivered,  // takes away what was not late
  lapsed      // goes if it has expired by `what.at`
};
struct soft_change {
  account_id account;
  std::string address;  // as normalised() gives it
  soft_news news = soft_news::bounced;
  soft_bounce what;
  bounce::suppression_policy by;  // of the account; of `bounced`
};

class soft_bounces {
 public:
  // Blocking, and before anything else. What has expired stays on the disk for expired().
  storage::result<void> load(const storage::store& from, wall_time now);

  // Whether there is a count: false is certain. Thread-safe; neither blocks nor allocates.
  bool may_have(account_id of, std::string_view address) const { return seen_.may_have(of, address); }
  std::uint64_t size() const { return seen_.size(); }

  // Of the committer's thread, which builds one batch at a time: begins another one, whatever became of the last.
  void begin_batch() { pending_.clear(); }
  // Adds the change to the batch; true when the address is to be suppressed now, and its count is at its end. The same
  // change again, after a batch that failed, counts once.
  bool put(const soft_change& c, const storage::store& from, storage::batch& to);

 private:
  std::optional<soft_record> present(const std::string& key, const soft_change& c, const storage::store& from) const;
  void write(const std::string& key, const soft_change& c, std::optional<soft_record> to, storage::batch& in);

  fingerprint_set<std::uint64_t> seen_;
  std::unordered_map<std::string, std::optional<soft_record>> pending_;  // by key: of the batch that is being built
};

// Blocking reads. Nothing: there is none, or it has expired.
storage::result<std::optional<soft_record>> soft_count(const storage::store& in, account_id of,
                                                       std::string_view address, wall_time now);
// At most `max` that have expired, as changes that remove them.
storage::result<std::vector<soft_change>> expired_counts(const storage::store& in, wall_time now, std::size_t max);

// Where counts begin in the family: behind all entries.
inline constexpr std::string_view soft_prefix = "\xff\xff\xff\xff";

}  // namespace gonets::suppression
