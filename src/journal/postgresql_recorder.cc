#include "journal/postgresql_recorder.h"

#include <fmt/format.h>

#include <map>

#include "journal/days.h"
#include "journal/projection.h"
#include "journal/statistics.h"

namespace gonets::journal {

using storage::sql_result;
using storage::sql_session;

postgresql_recorder::postgresql_recorder(place in, privacy wanted)
    : in_(std::move(in)), privacy_(std::move(wanted)), database_(options_for(in_)) {}

std::int64_t postgresql_recorder::state(sql_session& s, std::string_view name) const {
  const auto found = s.row("SELECT value FROM journal_nodes WHERE node = :node AND name = :name", {in_.node, name});
  return found ? found->integer(0) : 0;
}

void postgresql_recorder::set(sql_session& s, std::string_view name, std::int64_t value) const {
  s.change(
      "INSERT INTO journal_nodes (node, name, value) VALUES (:node, :name, :value)"
      " ON CONFLICT (node, name) DO UPDATE SET value = excluded.value",
      {in_.node, name, value});
}

sql_result<event_seq> postgresql_recorder::cursor() {
  return database_.read([this](sql_session& s) -> sql_result<event_seq> {
    log_ = state(s, "log");
    known_until_.value = static_cast<std::uint64_t>(state(s, "known_until"));
    return event_seq{static_cast<std::uint64_t>(state(s, "cursor"))};
  });
}

sql_result<void> postgresql_recorder::start_over(event_seq end) {
  auto done = database_.write([&](sql_session& s) -> sql_result<void> {
    set(s, "log", log_ + 1);
    set(s, "known_until", static_cast<std::int64_t>(end.value));
    set(s, "cursor", 0);
    return {};
  });
  if (!done) return done;
  ++log_;
  known_until_ = end;
  return {};
}

sql_result<void> postgresql_recorder::make_days(const std::set<std::chrono::sys_days>& wanted) {
  for (const auto day : wanted) {
    if (made_.contains(day)) continue;
    auto done = database_.write([&](sql_session& s) -> sql_result<void> {
      make_day(s, table_names(in_, day), day);
      return {};
    });
    if (!done) return done;
    made_.insert(day);
  }
  return {};
}

sql_result<void> postgresql_recorder::apply(std::span<const events::event> batch, event_seq cursor,
                                            std::uint64_t missed) {
  std::map<std::chrono::sys_days, std::vector<const events::event*>> by_day;
  std::set<std::chrono::sys_days> days;
  for (const auto& e : batch) {
    if (e.message.value == 0) continue;  // of no message
    const auto day = day_of(e.message);
    if (day < oldest_) continue;
    by_day[day].push_back(&e);
    days.insert(day);
  }
  auto done = make_days(days);
  if (done)
    done = database_.write([&](sql_session& s) -> sql_result<void> {
      // Whole days would be read for a batch that the planner takes for a large one.
      for (const auto* plan : {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"})
        s.change(fmt::format("SET LOCAL {} = off", plan));
      // A COMMIT whose answer was lost may have been one.
      const auto known = state(s, "log") == log_ ? static_cast<std::uint64_t>(state(s, "cursor")) : 0;
      for (const auto& [day, of_day] : by_day)
        apply_events(s, shape_of(s, table_names(in_, day), privacy_), of_day, known, known_until_);
      set(s, "cursor", static_cast<std::int64_t>(cursor.value));
      if (missed != 0) set(s, "missed", state(s, "missed") + static_cast<std::int64_t>(missed));
      return {};
    });
  if (!done) made_.clear();  // another server may have dropped one
  return done;
}

std::size_t postgresql_recorder::remove_before(std::chrono::sys_days day) {
  oldest_ = day;
  std::size_t removed = 0;
  const auto found = days_in(database_);
  if (!found) return 0;
  for (const auto each : *found) {
    if (each >= day) continue;
    made_.erase(each);
    const auto done = database_.write([&](sql_session& s) -> sql_result<void> {
      drop_day(s, table_names(in_, each), each);
      return {};
    });
    if (done) ++removed;
  }
  return removed;
}

}  // namespace gonets::journal
