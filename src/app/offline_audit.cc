#include "app/offline_audit.h"

namespace gonets::app {

std::expected<httpd::audit_report, std::string> audit_spool(const std::string& path) {
  return std::unexpected("cannot audit " + path + ": not wired yet");
}

}  // namespace gonets::app
