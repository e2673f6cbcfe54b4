// Writes events into the journal. Blocking; for one thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
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
  // The last event that is in it for good; first of all calls. Makes what there is not yet.
  virtual storage::sql_result<event_seq> cursor() = 0;
  // The log is another one, which now ends at `end`: its numbers have nothing to do with the cursors. What it tells up
  // to there the journal may know already, as when a backup was restored, and then changes nothing.
  virtual storage::sql_result<void> start_over(event_seq end) = 0;
  // Applies events in their order, up to `cursor`; a batch that is applied again changes nothing where it had arrived.
  // `missed` counts what is lost to the journal. The loss of power may undo it until settle().
  virtual storage::sql_result<void> apply(std::span<const events::event> batch, event_seq cursor,
                                          std::uint64_t missed) = 0;
  // Makes what was applied safe on the disk, and moves the cursor there. False: a search that is under way puts it off.
  virtual storage::sql_result<bool> settle() = 0;
  // Deletes the days before this one; later events of those days are passed over. How many days.
  virtual std::size_t remove_before(std::chrono::sys_days day) = 0;
};

std::unique_ptr<recorder> make_recorder(const place& in, privacy wanted);

// Into the files of a folder. Each has a cursor of its own, written with its rows: what is applied again, since the
// common one is behind, is passed over.
class file_recorder final : public recorder {
 public:
  // A slot of the index gets at most so many messages, and the rest of the batch that fills it.
  static constexpr std::uint64_t slot_messages_default = 50'000;
  file_recorder(std::string folder, privacy wanted, std::uint64_t slot_messages_max = slot_messages_default);
  storage::sql_result<event_seq> cursor() override;
  storage::sql_result<void> start_over(event_seq end) override;
  storage::sql_result<void> apply(std::span<const events::event> batch, event_seq cursor,
                                  std::uint64_t missed) override;
  storage::sql_result<bool> settle() override;
  std::size_t remove_before(std::chrono::sys_days day) override;

 private:
  struct file {
    explicit file(storage::sql_options options) : rows(std::move(options)) {}
    storage::sql_database rows;
    bool settled = true;
    message_id latest{};        // of those accepted since it was opened
    std::uint64_t in_slot = 0;  // of these, in the slot of the latest
  };
  file& opened(const std::string& name);
  storage::sql_result<bool> settle_files();  // whether all are
  storage::sql_result<void> apply_to(file& to, std::span<const events::event* const> batch);

  const std::string folder_;
  const privacy privacy_;
  const std::uint64_t slot_messages_max_;
  const table_names names_{place{}};  // of every file
  storage::sql_database cursor_;
  std::int64_t log_ = 0;   // which log, counted: a file's cursor counts only when it is of the same
  event_seq known_until_;  // up to here the log may tell what the journal had from the one before
  std::map<std::string, std::unique_ptr<file>> open_;  // few: the latest days that had events
  std::string oldest_;                                 // files before it are gone
  std::optional<event_seq> reached_;                   // applied, where the cursor is not yet
  std::uint64_t missed_ = 0;                           // since the cursor was moved
};

}  // namespace gonets::journal
