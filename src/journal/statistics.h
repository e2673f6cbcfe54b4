// Counts recipients of events by hour and by what they have in common, in a table of each day's file.
#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <string>

#include "events/event.h"
#include "storage/sql.h"

namespace gonets::journal {

// Of one file and hour, so many rows at most: what would begin another one is counted under the campaign "(other)". All
// else that rows tell apart is of the configuration.
inline constexpr std::uint64_t rows_an_hour_max = 10'000;

class tally {
 public:
  explicit tally(std::uint64_t rows_max = rows_an_hour_max) : rows_max_(rows_max) {}
  void add(const events::event& e);
  // Adds to what the table has.
  void write(storage::sql_session& to);

 private:
  struct key {
    std::int64_t hour = 0;  // since 1970
    std::uint32_t account = 0;
    std::string stream, provider, campaign, egress, category;
    events::kind kind = events::kind::accepted;
    auto operator<=>(const key&) const = default;
  };
  void fold(storage::sql_session& in);

  const std::uint64_t rows_max_;
  std::map<key, std::uint64_t> counts_;
};

}  // namespace gonets::journal
