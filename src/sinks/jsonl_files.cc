#include "sinks/jsonl_files.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/log.h"
#include "sinks/detail/state_file.h"

namespace gonets::sinks {
namespace fs = std::filesystem;

namespace {

std::string file_name(const jsonl_options& o, event_seq first, wall_time now) {
  return fmt::format("{}-{:%Y%m%dT%H%M%SZ}-{:012}.jsonl{}", o.name,
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)), first.value, o.compress ? ".zst" : "");
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

}  // namespace

outcome<event_seq> jsonl_files::open() {
  std::error_code error;
  fs::create_directories(options_.folder, error);
  if (error) return std::unexpected(options_.folder + ": " + error.message());
  file_ = {};
  zstd_ = detail::compressor();
  uncommitted_ = false;
  appended_ = 0;
  auto read = detail::read_state(state_path());
  if (!read) return std::unexpected(std::move(read.error()));
  state_ = std::move(*read);
  if (state_.part) {
    if (auto done = reopen_part(); !done) return std::unexpected(std::move(done.error()));
  }
  if (auto done = remove_strays(); !done) return std::unexpected(std::move(done.error()));
  return state_.cursor;
}

// Files that were begun and never committed: all of their events come again.
outcome<void> jsonl_files::remove_strays() {
  constexpr std::string_view ending = ".part";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(options_.folder, error)) {
    const auto name = entry.path().filename().string();
    if (!name.ends_with(ending)) continue;
    const auto file = name.substr(0, name.size() - ending.size());
    if (is_own(file) && (!state_.part || state_.part->file != file)) fs::remove(entry.path(), error);
    if (error) break;
  }
  if (error) return std::unexpected(options_.folder + ": " + error.message());
  return {};
}

outcome<void> jsonl_files::reopen_part() {
  if (!fs::exists(part_path())) {
    // Killed between the renaming and the state that tells of it; or somebody has taken it away.
    if (!fs::exists(path_of(state_.part->file)))
      GONETS_LOG(error, "sink_file_missing", "sink", options_.name, "file", part_path());
    state_.part.reset();
    return {};
  }
  auto file = detail::os_file::open_at(part_path(), O_RDWR);
  if (!file) return std::unexpected(std::move(file.error()));
  const auto bytes = file->size();
  if (!bytes) return std::unexpected(bytes.error());
  if (*bytes < state_.part->bytes) {
    GONETS_LOG(error, "sink_file_damaged", "sink", options_.name, "file", part_path(), "bytes", *bytes, "expected",
               state_.part->bytes);
    auto moved = detail::rename_file(part_path(), path_of(state_.part->file) + ".damaged");
    state_.part.reset();
    return moved;
  }
  if (auto done = file->truncate(state_.part->bytes); !done) return done;
  file_ = std::move(*file);
  if (!state_.part->frame_open) return {};
  state_.part->frame_open = false;
  return put(detail::end_of_frame);
}

outcome<void> jsonl_files::begin_part(event_seq first, wall_time now) {
  const auto name = file_name(options_, first, now);
  auto file = detail::os_file::open_at(path_of(name) + ".part", O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return std::unexpected(std::move(file.error()));
  if (auto done = detail::sync_folder(options_.folder); !done) return done;
  file_ = std::move(*file);
  state_.part = open_part{.file = name, .opened = now};
  return {};
}

outcome<void> jsonl_files::put(std::string_view bytes) {
  if (auto done = file_.write(bytes); !done) return done;
  state_.part->bytes += bytes.size();
  uncommitted_ = true;
  return {};
}

outcome<void> jsonl_files::append(const line_batch& batch, event_seq through, wall_time now) {
  if (!batch.text.empty()) {
    if (!state_.part) {
      if (auto done = begin_part(event_seq{state_.cursor.value + 1}, now); !done) return done;
    }
    std::string compressed;
    if (options_.compress) zstd_.add_and_flush(batch.text, compressed);
    if (auto done = put(options_.compress ? compressed : batch.text); !done) return done;
    state_.part->frame_open = options_.compress;
  }
  uncommitted_ |= state_.cursor != through;
  state_.cursor = through;
  appended_ += batch.marks.size();
  return {};
}

outcome<progress> jsonl_files::commit() {
  if (auto done = write_down(); !done) return std::unexpected(std::move(done.error()));
  return progress{state_.cursor, std::exchange(appended_, 0)};
}

outcome<void> jsonl_files::write_down() {
  if (!uncommitted_) return {};
  if (state_.part) {
    if (auto done = file_.sync(); !done) return done;
  }
  if (auto done = detail::write_state(state_path(), state_); !done) return done;
  uncommitted_ = false;
  return {};
}

outcome<void> jsonl_files::tend(wall_time now) {
  const bool due = state_.part &&
                   (state_.part->bytes >= options_.rotate_bytes || now - state_.part->opened >= options_.rotate_after);
  if (!due) return {};
  if (auto done = finish_part(); !done) return done;
  return remove_old(now);
}

// The state that names the file whole comes before the renaming, so that whoever finds the file renamed has its cursor.
outcome<void> jsonl_files::finish_part() {
  std::string rest;
  zstd_.end(rest);
  if (auto done = put(rest); !done) return done;
  state_.part->frame_open = false;
  if (auto done = write_down(); !done) return done;
  if (auto done = detail::rename_file(part_path(), path_of(state_.part->file)); !done) return done;
  file_ = {};
  state_.part.reset();
  uncommitted_ = true;
  return write_down();
}

// "NAME-20261127T041500Z-42.jsonl", or the same with ".zst".
bool jsonl_files::is_own(std::string_view file) const {
  if (!file.starts_with(options_.name)) return false;
  file.remove_prefix(options_.name.size());
  if (file.ends_with(".zst")) file.remove_suffix(4);
  if (!file.ends_with(".jsonl") || file.size() < 25) return false;
  file.remove_suffix(6);
  return file[0] == '-' && all_digits(file.substr(1, 8)) && file[9] == 'T' && all_digits(file.substr(10, 6)) &&
         file.substr(16, 2) == "Z-" && all_digits(file.substr(18));
}

outcome<void> jsonl_files::remove_old(wall_time now) {
  if (options_.keep_files == 0 && options_.keep_for.count() == 0) return {};
  std::error_code error;
  std::vector<std::pair<std::string, fs::path>> own;  // by name, which is by time
  for (const auto& entry : fs::directory_iterator(options_.folder, error)) {
    auto name = entry.path().filename().string();
    if (is_own(name)) own.emplace_back(std::move(name), entry.path());
  }
  std::ranges::sort(own);
  const std::size_t too_many =
      options_.keep_files != 0 && own.size() > options_.keep_files ? own.size() - options_.keep_files : 0;
  const auto oldest = fs::file_time_type::clock::from_sys(now - options_.keep_for);
  for (std::size_t i = 0; i < own.size() && !error; ++i) {
    const auto written = fs::last_write_time(own[i].second, error);
    if (error) break;
    if (i < too_many || (options_.keep_for.count() != 0 && written < oldest)) fs::remove(own[i].second, error);
  }
  if (error) return std::unexpected(options_.folder + ": " + error.message());
  return {};
}

}  // namespace gonets::sinks
