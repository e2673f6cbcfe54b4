// The standing holds of this server: on disk before they are in force, and in force on all shards before who asked is
// told. Blocking, but for current(): for the blocking pool.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "scheduler/hold_table.h"
#include "storage/sql.h"

namespace gonets::app {

class hold_keeper {
 public:
  using holds_ptr = std::shared_ptr<const scheduler::standing_holds>;
  // `tell` passes them on to all shards; with `wait` it returns once they have them.
  using teller = std::function<void(holds_ptr, bool wait)>;

  hold_keeper(const std::string& spool_path, teller tell);
  // Reads them and tells the shards, before those run. Throws std::runtime_error: without them mail would go that must
  // not.
  void open();
  holds_ptr current() const;
  storage::sql_result<scheduler::standing_hold> add(scheduler::standing_hold h);
  // What was released; nothing: there is no such hold.
  storage::sql_result<std::optional<scheduler::standing_hold>> release(scheduler::hold_id id);

 private:
  void put_in_force(scheduler::standing_holds all, bool wait);

  storage::sql_database database_;
  scheduler::hold_table table_{database_};
  teller tell_;
  std::mutex changing_;  // one change at a time, from the disk to the shards
  std::atomic<holds_ptr> current_{std::make_shared<const scheduler::standing_holds>()};
};

}  // namespace gonets::app
