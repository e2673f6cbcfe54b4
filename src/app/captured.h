// The capture mailbox, read for people; and the audit's result in the API's words. Blocking.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "httpd/control.h"
#include "spool/audit.h"

namespace gonets::app {

// The newest first.
std::vector<httpd::captured_message> list_captured(const std::string& folder, std::size_t rows_max);
// By the id that the list gives; nothing when there is no such message. The id can't name another file.
std::optional<std::string> read_captured(const std::string& folder, const std::string& id);

httpd::audit_report to_report(storage::result<spool::audit_result> audited);

}  // namespace gonets::app
