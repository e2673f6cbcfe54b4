// Constants of the scheduler that no user has reason to set.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gonets::scheduler::detail {

// A further connection to a site is opened when each has more than this waiting behind it (measured on loopback: few
// busy connections cost 8 % less CPU a message than many idle ones)...
inline constexpr std::size_t backlog_per_connection = 8;
// ...or when the first in the queue has waited this long.
inline constexpr std::int64_t patience_ms = 100;
// Messages of a site kept in memory ahead of delivery, when they come from disk.
inline constexpr std::size_t hot_window = 64;
inline constexpr std::size_t load_at_once = 64;
// Bounds how long one tick keeps its shard busy.
inline constexpr std::size_t due_per_tick_max = 2000;
inline constexpr std::uint64_t message_overhead_bytes = 400;
inline constexpr std::int64_t unreadable_retry_ms = 15 * 60 * 1000;
// When the pool that reads the disk is full.
inline constexpr std::int64_t busy_retry_ms = 5000;

}  // namespace gonets::scheduler::detail
