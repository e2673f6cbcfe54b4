// Writes events into the journal. Blocking; for one thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "events/event.h"
#include "journal/place.h"
#include "journal/privacy.h"
#include "storage/sql.h"

namespace gonets::journal {

class recorder {
 public:
  virtual ~recorder() = default;
  // The last event that is in it; first of all calls. Makes what there is not yet.
  virtual storage::sql_result<event_seq> cursor() = 0;
  // The log is another one, which now ends at `end`: its numbers have nothing to do with the cursors. What it tells up
  // to there the journal may know already, as when a backup was restored, and then changes nothing.
  virtual storage::sql_result<void> start_over(event_seq end) = 0;
  // Applies events in their order, and moves the cursor to `cursor`; a batch that is applied again changes nothing
  // where it had arrived. `missed` counts what is lost to the journal.
  virtual storage::sql_result<void> apply(std::span<const events::event> batch, event_seq cursor,
                                          std::uint64_t missed) = 0;
  // Deletes the days before this one; later events of those days are passed over. How many days.
  virtual std::size_t remove_before(std::chrono::sys_days day) = 0;
};

std::unique_ptr<recorder> make_recorder(const place& in, privacy wanted);

// Into the files of a folder. Each has a cursor of its own, written with its rows.
class file_recorder final : public recorder {
 public:
  file_recorder(std::string folder, privacy wanted);
  storage::sql_result<event_seq> cursor() override;
  storage::sql_result<void> start_over(event_seq end) override;
  storage::sql_result<void> apply(std::span<const events::event> batch, event_seq cursor,
                                  std::uint64_t missed) override;
  std::size_t remove_before(std::chrono::sys_days day) override;

 private:
  storage::sql_database& file(const std::string& name);
  storage::sql_result<void> apply_to(const std::string& name, std::span<const events::event* const> batch);

  const std::string folder_;
  const privacy privacy_;
  const table_names names_{place{}};  // of every file
  storage::sql_database cursor_;
  std::int64_t log_ = 0;   // which log, counted: a file's cursor counts only when it is of the same
  event_seq known_until_;  // up to here the log may tell what the journal had from the one before
  std::map<std::string, std::unique_ptr<storage::sql_database>> open_;  // few: the latest days that had events
  std::string oldest_;                                                  // files before it are gone
};

}  // namespace gonets::journal
