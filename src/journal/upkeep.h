// What is done to days that are over, a little at a time: their terms of recipients are merged, so that a
// search looks at one place in place of 24; addresses become hashes where the account wants that; minutes go when they
// are old. Each step is a transaction of its own, and one that is made again after a crash changes nothing. For the
// recorder's thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/clock.h"
#include "journal/place.h"
#include "journal/privacy.h"
#include "journal/projection.h"
#include "storage/sql.h"

namespace gonets::journal {

struct upkeep_limits {
  std::uint64_t merged_at_once = 20'000;  // terms; a step takes a twentieth of a second
  std::uint64_t hashed_at_once = 2'000;   // recipients looked at
};

class upkeep {
 public:
  upkeep(place in, privacy wanted, upkeep_limits limits = {});
  ~upkeep();
  // Does the next step; false: there is none at this time.
  storage::sql_result<bool> step(wall_time now);

 private:
  storage::sql_result<std::vector<std::chrono::sys_days>> days();
  void take(std::chrono::sys_days day);
  storage::sql_result<bool> step_on(std::chrono::sys_days day, wall_time now);
  storage::sql_result<bool> merge(std::uint64_t rows_max);
  storage::sql_result<bool> hash(std::chrono::sys_days day, wall_time now);
  storage::sql_result<bool> hash_some(const std::set<account_id>& of);
  void hash_in_place(storage::sql_session& s, const day_shape& shape, const std::set<account_id>& of);
  void move_some(storage::sql_session& s, const day_shape& shape, const std::set<account_id>& of);
  void end_moving(storage::sql_session& s);
  void move_on(storage::sql_session& s, std::int64_t from, std::int64_t to);
  storage::sql_result<bool> erase();
  storage::sql_result<bool> remove_minutes(wall_time now);

  const place in_;
  const privacy privacy_;
  const upkeep_limits limits_;
  std::optional<std::chrono::sys_days> in_work_;
  table_names names_;                                // of in_work_
  std::unique_ptr<storage::sql_database> database_;  // the file of in_work_, or the database of all
  // Days of which nothing was left to do then, and what was wanted then.
  std::map<std::chrono::sys_days, wall_time> looked_at_;
  std::map<account_id, std::chrono::days> wanted_;
};

}  // namespace gonets::journal
