// Reads the journal: its files, which stay open, or its database. Blocking: for the blocking pool; any thread.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "journal/place.h"
#include "journal/privacy.h"
#include "journal/query.h"
#include "storage/sql.h"

namespace gonets::journal {

class reader {
 public:
  reader(place in, privacy wanted);
  ~reader();
  // The newest day first, until the page is full.
  storage::sql_result<page> search(const query& wanted);
  // Of all files, as late events count in the hour in which they happened.
  // Nothing: more rows than statistics_rows_max.
  storage::sql_result<std::optional<statistics>> count(const statistics_query& wanted);

 private:
  // What is asked in one transaction: a file, or the database.
  struct part {
    std::string file;         // its name; empty: the database
    message_id from, before;  // of messages that may be there
    std::shared_ptr<storage::sql_database> rows;
  };
  std::vector<part> parts();  // the newest first
  storage::sql_result<std::vector<storage::sql_row>> rows_of(const part& p, const std::string& statement,
                                                             const std::vector<storage::sql_value>& bound) const;

  storage::sql_result<std::vector<row>> search_part(const part& p, const query& wanted, std::size_t max) const;
  bool is_gone(const part& p) const;

  const place in_;
  const table_names names_;
  const privacy privacy_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<storage::sql_database>> open_;
};

}  // namespace gonets::journal
