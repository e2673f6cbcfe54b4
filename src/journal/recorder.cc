#include "journal/recorder.h"

#include <algorithm>
#include <filesystem>

#include "journal/days.h"
#include "journal/postgresql_recorder.h"
#include "journal/projection.h"

namespace gonets::journal {
namespace {

using storage::sql_result;
using storage::sql_session;

constexpr std::size_t open_max = 8;
constexpr std::uint64_t cache_bytes = 16'777'216;  // of each open file: what the present slot changes
constexpr std::uint64_t wal_pages_max = 16'000;    // the same pages change again and again; settle() comes first

struct newest {
  message_id id;
  std::uint64_t accepted = 0;  // how many in its hour
};

newest newest_of(std::span<const events::event* const> batch) {
  newest found;
  for (const auto* e : batch) {
    if (e->kind != events::kind::accepted) continue;
    if (hour_of(e->message) != hour_of(found.id) && e->message > found.id) found.accepted = 0;
    found.id = std::max(found.id, e->message);
    if (hour_of(e->message) == hour_of(found.id)) ++found.accepted;
  }
  return found;
}

}  // namespace

std::unique_ptr<recorder> make_recorder(const place& in, privacy wanted) {
  if (in.shared()) return std::make_unique<postgresql_recorder>(in, std::move(wanted));
  return std::make_unique<file_recorder>(in.folder, std::move(wanted));
}

file_recorder::file_recorder(std::string folder, privacy wanted, std::uint64_t slot_messages_max)
    : folder_(std::move(folder)),
      privacy_(std::move(wanted)),
      slot_messages_max_(slot_messages_max),
      cursor_({.url = "sqlite:" + folder_ + "/cursor.db", .schema = storage::journal_schema_steps()}) {}

sql_result<event_seq> file_recorder::cursor() {
  std::error_code error;
  if (std::filesystem::create_directories(folder_, error))
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, error);
  return cursor_.read([this](sql_session& s) -> sql_result<event_seq> {
    log_ = state_of(s, names_, "log");
    known_until_.value = static_cast<std::uint64_t>(state_of(s, names_, "known_until"));
    return event_seq{static_cast<std::uint64_t>(state_of(s, names_, "cursor"))};
  });
}

sql_result<void> file_recorder::start_over(event_seq end) {
  auto done = cursor_.write([&](sql_session& s) -> sql_result<void> {
    set_state(s, names_, "log", log_ + 1);
    set_state(s, names_, "known_until", static_cast<std::int64_t>(end.value));
    set_state(s, names_, "cursor", 0);
    return {};
  });
  if (!done) return done;
  ++log_;
  known_until_ = end;
  reached_.reset();
  return {};
}

file_recorder::file& file_recorder::opened(const std::string& name) {
  auto& at = open_[name];
  if (!at)
    at = std::make_unique<file>(storage::sql_options{.url = "sqlite:" + folder_ + "/" + name,
                                                     .schema = storage::journal_day_schema_steps(),
                                                     .cache_bytes = cache_bytes,
                                                     .wal_pages_max = wal_pages_max,
                                                     .erase_deleted = true,
                                                     .sync_each = false});
  return *at;
}

sql_result<void> file_recorder::apply_to(file& to, std::span<const events::event* const> batch) {
  const auto [latest, accepted] = newest_of(batch);
  const bool new_hour = latest > to.latest && hour_of(latest) != hour_of(to.latest);
  const bool split = !new_hour && to.in_slot >= slot_messages_max_;
  to.settled = false;
  auto done = to.rows.write([&](sql_session& s) -> sql_result<void> {
    const auto known =
        state_of(s, names_, "log") == log_ ? static_cast<std::uint64_t>(state_of(s, names_, "cursor")) : 0;
    if (split) s.change("INSERT INTO splits (first) VALUES (:first) ON CONFLICT DO NOTHING", {to.latest.value + 1});
    apply_events(s, shape_of(s, names_, privacy_), batch, known, known_until_);
    set_state(s, names_, "cursor", static_cast<std::int64_t>(std::max(known, batch.back()->seq.value)));
    set_state(s, names_, "log", log_);
    return {};
  });
  if (!done) return done;
  to.in_slot = (new_hour || split ? 0 : to.in_slot) + accepted;
  to.latest = std::max(to.latest, latest);
  return {};
}

sql_result<void> file_recorder::apply(std::span<const events::event> batch, event_seq cursor, std::uint64_t missed) {
  std::map<std::string, std::vector<const events::event*>> by_file;
  for (const auto& e : batch) {
    if (e.message.value == 0) continue;  // of no message
    auto name = file_of(day_of(e.message));
    if (name >= oldest_) by_file[std::move(name)].push_back(&e);
  }
  if (open_.size() > open_max) {
    const auto settled = settle_files();
    if (!settled) return std::unexpected(settled.error());
    if (*settled) open_.clear();
  }
  for (const auto& [name, of_file] : by_file)
    if (auto done = apply_to(opened(name), of_file); !done) return done;
  reached_ = cursor;
  missed_ += missed;
  return {};
}

sql_result<bool> file_recorder::settle_files() {
  bool all = true;
  for (auto& [name, each] : open_) {
    if (each->settled) continue;
    const auto done = each->rows.sync();
    if (!done) return done;
    each->settled = *done;
    all = all && *done;
  }
  return all;
}

sql_result<bool> file_recorder::settle() {
  if (!reached_) return true;
  auto all = settle_files();
  if (!all || !*all) return all;
  auto done = cursor_.write([&](sql_session& s) -> sql_result<void> {
    set_state(s, names_, "cursor", static_cast<std::int64_t>(reached_->value));
    if (missed_ != 0) s.change("UPDATE state SET value = value + :value WHERE name = 'missed'", {missed_});
    return {};
  });
  if (!done) return std::unexpected(std::move(done.error()));
  reached_.reset();
  missed_ = 0;
  return true;
}

std::size_t file_recorder::remove_before(std::chrono::sys_days day) {
  oldest_ = file_of(day);
  std::size_t removed = 0;
  for (const auto& [of, name] : files_in(folder_)) {
    if (of >= day) continue;
    open_.erase(name);
    std::error_code error;
    if (std::filesystem::remove(folder_ + "/" + name, error)) ++removed;
    for (const auto* rest : {"-wal", "-shm"})
      std::filesystem::remove(folder_ + "/" + name + rest, error);
  }
  return removed;
}

}  // namespace gonets::journal
