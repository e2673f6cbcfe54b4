// The files of a sink: lines are appended to one whose name ends in ".part", which loses that ending when it is large
// or old enough. What was committed is in them once, whenever the process is killed: open() cuts off what was appended
// later.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "sinks/detail/compressor.h"
#include "sinks/detail/os_file.h"
#include "sinks/state.h"
#include "sinks/writer.h"

namespace gonets::sinks {

struct jsonl_options {
  std::string name, folder;  // files are folder/name-TIME-CURSOR.jsonl; the state is folder/name.cursor
  std::uint64_t rotate_bytes = 104'857'600;
  std::chrono::milliseconds rotate_after = std::chrono::hours(1);
  bool compress = true;
  std::size_t keep_files = 0;            // finished ones; 0: all
  std::chrono::milliseconds keep_for{};  // since their last event; 0: for ever
};

class jsonl_files final : public writer {
 public:
  explicit jsonl_files(jsonl_options options) : options_(std::move(options)) {}

  // Makes the folder when there is none.
  outcome<event_seq> open() override;
  // Readable at once, safe after commit().
  outcome<void> append(const line_batch& batch, event_seq through, wall_time now) override;
  // Finishes the file if it is due; then deletes those that need not be kept.
  outcome<void> tend(wall_time now) override;
  outcome<progress> commit() override;
  outcome<progress> finish() override { return commit(); }

 private:
  std::string path_of(const std::string& file) const { return options_.folder + '/' + file; }
  std::string part_path() const { return path_of(state_.part->file) + ".part"; }
  std::string state_path() const { return path_of(options_.name + ".cursor"); }
  outcome<void> write_down();
  outcome<void> reopen_part();
  outcome<void> remove_strays();
  outcome<void> begin_part(event_seq first, wall_time now);
  outcome<void> put(std::string_view bytes);
  outcome<void> finish_part();
  outcome<void> remove_old(wall_time now);
  bool is_own(std::string_view file) const;

  const jsonl_options options_;
  state state_;  // as it would be committed
  detail::os_file file_;
  detail::compressor zstd_;
  bool uncommitted_ = false;
  std::uint64_t appended_ = 0;  // events since the last commit
};

}  // namespace gonets::sinks
