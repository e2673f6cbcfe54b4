#include "journal/place.h"

#include <fmt/format.h>

#include <array>

#include "base/clock.h"
#include "base/ids.h"

namespace gonets::journal {
namespace {

constexpr std::int64_t day_lock = 0x676f6a6f7572;  // any number that nobody else takes

struct partition {
  std::string_view table;
  bool by_message;          // by ranges of ids; else by the day itself
  std::string_view unique;  // columns; empty: the table's own key
  std::string_view settings;
};
// Rows of recipients change once or twice: there is room beside them, so that their index need not change.
constexpr std::array partitions{
    partition{"messages", true, "", ""},
    partition{"recipients", true, "", " WITH (fillfactor = 75)"},
    partition{"terms", true, "", ""},
    partition{"state", false, "name", ""},
    partition{"hashed", false, "account", ""},
    partition{"hours", false, "period, tag, account, stream, provider, campaign, egress, category, kind", ""},
    partition{"minutes", false, "period, tag, account, stream, provider, campaign, egress, category, kind", ""},
};

std::int64_t number_of(std::chrono::sys_days day) {
  return day.time_since_epoch().count();
}

std::uint64_t first_id_of(std::chrono::sys_days day) {
  return first_id_at(wall_time(day).time_since_epoch().count()).value;
}

}  // namespace

table_names::table_names(const place& in) : prefix_(in.shared() ? "journal_" : "") {}

table_names::table_names(const place& in, std::chrono::sys_days day) : table_names(in) {
  if (!in.shared()) return;
  const std::chrono::year_month_day date(day);
  suffix_ = fmt::format("_{:04}{:02}{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                        static_cast<unsigned>(date.day()));
}

std::string table_names::operator()(std::string_view table) const {
  return fmt::format("{}{}{}", prefix_, table, suffix_);
}

storage::sql_result<std::vector<std::chrono::sys_days>> days_in(storage::sql_database& database) {
  using days = std::vector<std::chrono::sys_days>;
  return database.read([](storage::sql_session& s) -> storage::sql_result<days> {
    days found;
    for (const auto& row : s.rows("SELECT day FROM journal_days ORDER BY day DESC"))
      found.emplace_back(std::chrono::days(row.integer(0)));
    return found;
  });
}

storage::sql_options options_for(const place& in) {
  return {.url = in.database, .schema = storage::journal_shared_schema_steps(), .schema_table = "journal_schema"};
}

void make_day(storage::sql_session& in, const table_names& names, std::chrono::sys_days day) {
  in.rows("SELECT CAST(pg_advisory_xact_lock(:key) AS TEXT)", {day_lock});
  if (in.row("SELECT 1 FROM journal_days WHERE day = :day", {number_of(day)})) return;
  for (const auto& p : partitions) {
    const auto name = names(p.table);
    if (p.by_message) {
      in.change(fmt::format("CREATE TABLE {} PARTITION OF journal_{} FOR VALUES FROM ({}) TO ({}){}", name, p.table,
                            first_id_of(day), first_id_of(day + std::chrono::days(1)), p.settings));
      continue;
    }
    in.change(fmt::format("CREATE TABLE {0} PARTITION OF journal_{1} (day DEFAULT {2}) FOR VALUES IN ({2})", name,
                          p.table, number_of(day)));
    in.change(fmt::format("CREATE UNIQUE INDEX {0}_key ON {0} ({1})", name, p.unique));
  }
  for (const auto* name : {"apart", "merge_bits", "merged", "hashed_message", "hashed_idx"})
    in.change(fmt::format("INSERT INTO {} (name, value) VALUES (:name, 0)", names("state")), {name});
  in.change("INSERT INTO journal_days (day) VALUES (:day)", {number_of(day)});
}

void drop_day(storage::sql_session& in, const table_names& names, std::chrono::sys_days day) {
  in.rows("SELECT CAST(pg_advisory_xact_lock(:key) AS TEXT)", {day_lock});
  if (in.change("DELETE FROM journal_days WHERE day = :day", {number_of(day)}) == 0) return;
  for (const auto& p : partitions)
    in.change(fmt::format("DROP TABLE {}", names(p.table)));
}

}  // namespace gonets::journal
