// Searches the journal's files, the newest day first, until the page is full. Blocking: for the blocking pool; any
// thread.
#pragma once
#include <string>

#include "journal/query.h"
#include "storage/sql.h"

namespace gonets::journal {

storage::sql_result<page> search(const std::string& folder, const query& wanted);

}  // namespace gonets::journal
