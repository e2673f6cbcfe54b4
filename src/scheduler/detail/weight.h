#pragma once
#include <algorithm>
#include <cstdint>

#include "scheduler/detail/tuning.h"
#include "spool/message.h"

namespace gonets::scheduler::detail {

// What one of its recipients counts for among the bodies that are kept in memory, in bytes.
inline std::uint64_t weight_of(const spool::queued_message& m) {
  const auto in_memory = m.head.size() + m.body.size();
  return in_memory / std::max<std::size_t>(1, m.envelope.recipients.size()) + message_overhead_bytes;
}

}  // namespace gonets::scheduler::detail
