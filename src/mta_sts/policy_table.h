// MTA-STS policies in the database, so that a restart keeps what is in force. Every call may block: for a pool of
// threads, never for a shard. docs/formats/tls.md describes the table.
#pragma once
#include <vector>

#include "mta_sts/cache.h"
#include "storage/sql.h"

namespace gonets::mta_sts {

class policy_table {
 public:
  explicit policy_table(storage::sql_database& in) : in_(in) {}

  storage::sql_result<void> save(const kept_policy& policy);
  // Those in force; what has expired is removed.
  storage::sql_result<std::vector<kept_policy>> load(wall_time now);

 private:
  storage::sql_database& in_;
};

}  // namespace gonets::mta_sts
