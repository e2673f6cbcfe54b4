// The audit of a spool whose server is not running.
#pragma once
#include <expected>
#include <string>

#include "httpd/control.h"

namespace gonets::app {

// Reads the whole spool and event log at `path`, and changes nothing. The error says, for people, why it cannot be
// read: not there, in use by a server, of a newer format.
std::expected<httpd::audit_report, std::string> audit_spool(const std::string& path);

}  // namespace gonets::app
