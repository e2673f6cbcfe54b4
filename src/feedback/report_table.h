// What others reported of our sender domains, in a database of this server's own (docs/formats/reports.md). Every call
// may block: for a pool of threads, never for a shard.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregate/report.h"
#include "base/clock.h"
#include "storage/sql.h"

namespace gonets::feedback {

struct report_table_limits {
  std::chrono::days kept{90};
  // Anybody can send reports, so the oldest go when these are exceeded. A row takes some 150 bytes; a report counts as
  // report_rows more.
  std::uint64_t rows_max = 1'000'000;
};

inline constexpr std::uint64_t report_rows = 10;

struct report_query {
  std::string domain;     // empty: all
  wall_time since{};      // of reports that end later
  std::size_t max = 100;  // rows of each table
};

struct reported_domain {
  std::string domain;
  std::uint64_t reports = 0, messages = 0;
  std::uint64_t aligned = 0;  // of the messages: passed DMARC, by DKIM or SPF
};
// The same address with the same outcome, of all of a reporter's reports.
struct reported_source {
  std::string domain, source, disposition, dkim, spf, reporter;
  std::uint64_t messages = 0;
  wall_time latest{};  // end of the latest report that has it
};
struct reported_sessions {
  std::string domain, policy, result, mx_host, reporter;
  std::uint64_t sessions = 0;
  wall_time latest{};
};
struct report_summary {
  std::vector<reported_domain> domains;     // by DMARC, most messages first
  std::vector<reported_source> sources;     // the same
  std::vector<reported_sessions> sessions;  // failures first
};

class report_table {
 public:
  explicit report_table(storage::sql_database& in, report_table_limits with = {}) : in_(in), with_(with) {}

  // False: the reporter's report of that id is there already.
  storage::sql_result<bool> keep(const aggregate::dmarc_report& r, wall_time now);
  // The rows of one domain.
  storage::sql_result<bool> keep(const aggregate::tls_report& r, std::string_view domain, wall_time now);
  storage::sql_result<report_summary> summary(const report_query& wanted);
  storage::sql_result<std::uint64_t> trim(wall_time now);  // how many reports went

 private:
  storage::sql_database& in_;
  const report_table_limits with_;
};

}  // namespace gonets::feedback
