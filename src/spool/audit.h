// Proves from what is on disk that nothing was lost: every recipient that was accepted has exactly one end or is
// queued. Reads the history beside the queue, in the order of message ids; its memory grows with the queue alone, by
// some 60 bytes a message. Blocking.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "storage/store.h"

namespace gonets::spool {

struct audit_finding {
  message_id id;
  std::string detail;
};

struct audit_result {
  std::uint64_t messages = 0;
  std::uint64_t accepted = 0, delivered = 0, bounced = 0, expired = 0, cancelled = 0, discarded = 0, suppressed = 0;
  std::uint64_t queued = 0;
  std::vector<audit_finding> findings;  // the first `findings_max`
  std::uint64_t findings_in_all = 0;
};

inline constexpr std::size_t findings_max = 1000;

// With a view, also of a spool in use: what is consistent at that moment. Without, of one that nobody writes.
storage::result<audit_result> audit(const storage::store& store, const storage::snapshot* view);

}  // namespace gonets::spool
