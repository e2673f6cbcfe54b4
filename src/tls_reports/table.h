// The counts of TLS reports and which reports are to be sent, in the database. Every call may block: for a pool of
// threads, never for a shard. docs/formats/tls.md describes the tables.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "storage/sql.h"
#include "tls_policy/tls_report.h"
#include "tls_reports/collector.h"

namespace gonets::tls_reports {

// pending -> sent, unwanted, failed. The others are ends.
enum class report_state : std::uint8_t {
  pending,
  sent,      // to each that asked for it
  unwanted,  // nobody asks for it
  failed     // given up after a day of attempts
};
std::string_view to_text(report_state s);
std::optional<report_state> parse_report_state(std::string_view text);

struct report_job {
  std::chrono::sys_days day;
  std::string domain;
  report_state state = report_state::pending;
  wall_time due{};                // of the next attempt
  std::vector<std::string> sent;  // URIs that have it
  unsigned attempts = 0;
  std::string detail;  // why the last attempt failed
};

struct report_row {
  report_job job;
  std::uint64_t successes = 0, failures = 0;
};

// Reports of a day are due at a time that the domain's name picks, between these after the next midnight UTC (RFC 8460
// 4.1): not all at once, and after the last counts of the day have been kept.
inline constexpr std::chrono::minutes spread_min{10};
inline constexpr std::chrono::hours spread_max{4};
inline constexpr std::chrono::days results_kept{7};

class table {
 public:
  explicit table(storage::sql_database& in) : in_(in) {}

  storage::sql_result<void> add(const tallies& counted);
  // Of enough to send one: pending and due, the oldest first.
  storage::sql_result<std::vector<report_job>> due(wall_time now, std::size_t max);
  storage::sql_result<std::vector<tls_policy::policy_results>> results(std::chrono::sys_days day,
                                                                       std::string_view domain);
  storage::sql_result<void> update(const report_job& job);
  // Makes the pending reports of a day due now; of all domains when `domain` is empty. How many.
  storage::sql_result<std::uint64_t> hurry(std::chrono::sys_days day, std::string_view domain, wall_time now);
  // Newest day first; of all days without `day`, of all domains with an empty `domain`.
  storage::sql_result<std::vector<report_row>> list(std::optional<std::chrono::sys_days> day, std::string_view domain,
                                                    std::size_t max);
  storage::sql_result<void> trim(wall_time now);

 private:
  storage::sql_database& in_;
};

}  // namespace gonets::tls_reports
