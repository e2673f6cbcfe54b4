// Constants of the scheduler that no user has reason to set.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace gonets::scheduler::detail {

// A further connection to a site is opened when each has more than this waiting behind it (measured on loopback: few
// busy connections cost 8 % less CPU a message than many idle ones)...
inline constexpr std::size_t backlog_per_connection = 8;
// ...or when the first in the queue has waited this long.
inline constexpr std::int64_t patience_ms = 100;
// Messages kept in memory ahead of delivery, when they come from disk: of one stream at a site, shared by its accounts;
// and of each account at least.
inline constexpr std::size_t read_ahead = 64;
inline constexpr std::size_t read_ahead_least = 4;
inline constexpr std::size_t read_at_once = 64;
// Connections of a site are begun, or taken up again, in one go.
inline constexpr unsigned wakes_at_once = 64;
// A site whose limits are in use is looked at again, whether it can be forgotten.
inline constexpr std::chrono::minutes limits_asked_again{10};
inline constexpr std::chrono::milliseconds reading_tried_again{250};
// What is known of a site's pace is kept for so long after it was last used.
inline constexpr std::chrono::minutes pace_kept{60};
// A stream that was sent to a site so lately shares its limits with the others.
inline constexpr std::chrono::seconds gives_way_for{30};
// Bounds how long one tick keeps its shard busy.
inline constexpr std::size_t due_per_tick_max = 2000;
// Outcomes that wait for a slow disk: with so many, nothing more is sent, since a crash would repeat them all.
inline constexpr std::size_t unwritten_max = 512;
// Messages that one look for something to send may find to be for suppressed addresses, before it is put off.
inline constexpr std::size_t kept_apart_at_once = 64;
// Of those that may go by another egress now.
inline constexpr std::size_t passed_on_at_once = 2000;
inline constexpr std::chrono::milliseconds passed_on_each{10};
// So long a site is left to other egresses when the cap of one is reached; then it is seen whether that has changed.
inline constexpr std::chrono::minutes spilled_for{15};
inline constexpr std::chrono::seconds warm_ups_reviewed_each{1};
inline constexpr std::uint64_t message_overhead_bytes = 400;
inline constexpr std::int64_t unreadable_retry_ms = 15 * 60 * 1000;
// When the pool that reads the disk is full.
inline constexpr std::int64_t busy_retry_ms = 5000;

}  // namespace gonets::scheduler::detail
