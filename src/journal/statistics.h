// Counts recipients of events by minute and hour and by what they have in common, in two tables of each day's file. Who
// opens or clicks again is not counted again.
#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "events/event.h"
#include "journal/place.h"
#include "storage/sql.h"

namespace gonets::journal {

// Of one file and period, so many rows at most, and as many more that have a tag: what would begin another one is
// counted under the campaign or tag "(other)". All else that rows tell apart is of the configuration.
struct rows_max {
  std::uint64_t of_hour = 10'000, of_minute = 1'000;
};
// Minutes are kept for so long, then hours alone.
inline constexpr std::chrono::hours minutes_kept{48};

class tally {
 public:
  explicit tally(rows_max max = {}) : max_(max) {}
  void add(const events::event& e);
  // Adds to what the tables have.
  void write(storage::sql_session& to, const table_names& names) const;

  // A row; an event counts in the one without a tag, and again in that of each of its message's tags.
  struct key {
    std::int64_t period = 0;  // minutes or hours since 1970
    std::string tag;
    std::uint32_t account = 0;
    std::string stream, provider, campaign, egress, category;
    events::kind kind = events::kind::accepted;
    auto operator<=>(const key&) const = default;
  };
  using counts = std::map<key, std::uint64_t>;

 private:
  struct counted {
    key of;
    std::uint64_t recipients = 0;
  };
  void count(const events::event& e, std::int64_t minute, std::string_view campaign, std::string_view tag);

  const rows_max max_;
  std::unordered_map<std::string, counted> minutes_;  // by what of the event makes the key
  std::string about_;                                 // such a text, made anew for each event
};

}  // namespace gonets::journal
