// Writes events into the journal's files. Each file has a cursor of its own, written with its rows: a batch that is
// applied again after a crash changes nothing where it had arrived. Blocking; for one thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "events/event.h"
#include "storage/sql.h"

namespace gonets::journal {

class recorder {
 public:
  explicit recorder(std::string folder);
  // The last event that all files have; first of all calls. Makes the folder when there is none.
  storage::sql_result<event_seq> cursor();
  // The log is another one, which now ends at `end`: its numbers have nothing to do with the cursors. What it tells up
  // to there the journal may know already, as when a backup was restored, and then changes nothing.
  storage::sql_result<void> start_over(event_seq end);
  // Applies events in their order, and moves the cursor to `cursor`. `missed` counts what is lost to the journal.
  storage::sql_result<void> apply(std::span<const events::event> batch, event_seq cursor, std::uint64_t missed);
  // Deletes the files of days before this one; later events of those days are passed over. How many files.
  std::size_t remove_before(std::chrono::sys_days day);

 private:
  storage::sql_database& file(const std::string& name);
  storage::sql_result<void> apply_to(const std::string& name, std::span<const events::event* const> batch);

  const std::string folder_;
  storage::sql_database cursor_;
  std::int64_t log_ = 0;   // which log, counted: a file's cursor counts only when it is of the same
  event_seq known_until_;  // up to here the log may tell what the journal had from the one before
  std::map<std::string, std::unique_ptr<storage::sql_database>> open_;  // few: the latest days that had events
  std::string oldest_;                                                  // files before it are gone
};

}  // namespace gonets::journal
