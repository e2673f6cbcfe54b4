// What accounts have used of their quotas. The committer alone debits, in the batch that accepts the message, so that
// the count is exact after any crash; others ask. Only accounts whose acceptances are counted appear.
#pragma once
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/ids.h"
#include "shaping/quota.h"
#include "storage/store.h"

namespace gonets::spool {

struct quota_use {
  std::string stream;  // empty: all of the account's
  shaping::quota_counter counter;
};

// quota_key := account:be32 stream (docs/formats/spool.md)
std::string quota_key(account_id account, std::string_view stream);
void encode_quota(const shaping::quota_counter& c, std::string& to);
bool decode_quota(std::string_view record, shaping::quota_counter& c);

class quota_ledger {
 public:
  // A record that can't be read fails it: quotas would be given anew.
  storage::result<void> load(const storage::store& from);

  // Of the committer's thread. debit() counts the charge, or nothing where it does not fit (false). put_changes() adds
  // to the batch what was counted since its last call; take_back() undoes a debit whose batch failed, and adds what
  // must then be on the disk.
  bool debit(account_id account, std::string_view stream, const std::vector<shaping::quota>& quotas,
             const shaping::quota_charge& charge, wall_time now);
  void put_changes(storage::batch& to);
  void take_back(account_id account, std::string_view stream, const shaping::quota_charge& charge, wall_time then,
                 storage::batch& to);

  // From any thread.
  std::optional<shaping::quota_excess> find_excess(account_id account, std::string_view stream,
                                                   const std::vector<shaping::quota>& quotas,
                                                   const shaping::quota_charge& charge, wall_time now) const;
  std::vector<quota_use> of(account_id account) const;  // the whole first, then by stream

 private:
  const shaping::quota_counter& counter(const std::string& key) const;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, shaping::quota_counter> counters_;  // by quota_key
  std::unordered_set<std::string> changed_;
};

}  // namespace gonets::spool
