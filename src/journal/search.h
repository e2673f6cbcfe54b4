// Reads the journal's files, which stay open. Blocking: for the blocking pool; any thread.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "journal/days.h"
#include "journal/query.h"
#include "storage/sql.h"

namespace gonets::journal {

class reader {
 public:
  explicit reader(std::string folder);
  ~reader();
  // The newest day first, until the page is full.
  storage::sql_result<page> search(const query& wanted);
  // Of all files, as late events count in the hour in which they happened.
  storage::sql_result<statistics> count(const statistics_query& wanted);

 private:
  struct day {
    day_file file;
    std::shared_ptr<storage::sql_database> rows;
  };
  std::vector<day> files();
  storage::sql_result<std::vector<storage::sql_row>> rows_of(const day& d, const std::string& statement,
                                                             const std::vector<storage::sql_value>& bound) const;

  const std::string folder_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<storage::sql_database>> open_;
};

}  // namespace gonets::journal
