// Where a journal is kept: in files of a folder, one a day, or in a PostgreSQL that several servers may share, in
// tables of which each has a partition a day. Both have the same columns, and all that is known of a message stands in
// one day.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/sql.h"

namespace gonets::journal {

struct place {
  std::string folder;      // of the files
  std::string database;    // "postgresql://...", in place of files; empty: none
  std::uint32_t node = 0;  // which of the servers that share it this one is
  bool shared() const { return !database.empty(); }
};

class table_names {
 public:
  explicit table_names(const place& in);                    // of all days, or of each file
  table_names(const place& in, std::chrono::sys_days day);  // of one day
  // "messages" of a file, "journal_messages_20261127" of a PostgreSQL.
  std::string operator()(std::string_view table) const;

 private:
  std::string prefix_, suffix_;
};

// Of a PostgreSQL, those that it has; the newest first.
storage::sql_result<std::vector<std::chrono::sys_days>> days_in(storage::sql_database& database);

storage::sql_options options_for(const place& in);  // of the database

// What a PostgreSQL has for a day. Both in a transaction that is under way; making what is there changes nothing.
void make_day(storage::sql_session& in, const table_names& names, std::chrono::sys_days day);
void drop_day(storage::sql_session& in, const table_names& names, std::chrono::sys_days day);

}  // namespace gonets::journal
