// Standing holds in the server's own database. Every call may block: for a pool of threads, never for a shard.
// docs/formats/holds.md describes the table.
#pragma once
#include <optional>

#include "scheduler/standing_hold.h"
#include "storage/sql.h"

namespace gonets::scheduler {

class hold_table {
 public:
  explicit hold_table(storage::sql_database& in) : in_(in) {}

  storage::sql_result<standing_holds> all();
  // With a number of its own; the given one's doesn't count.
  storage::sql_result<standing_hold> add(standing_hold h);
  storage::sql_result<bool> remove(hold_id id);  // false: there is none

 private:
  storage::sql_database& in_;
};

}  // namespace gonets::scheduler
