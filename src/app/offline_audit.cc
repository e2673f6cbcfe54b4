#include "app/offline_audit.h"

#include <filesystem>

#include "app/captured.h"

namespace gonets::app {

std::expected<httpd::audit_report, std::string> audit_spool(const std::string& path) {
  if (!std::filesystem::exists(path + "/CURRENT")) {
    return std::unexpected("there is no spool in " + path + ": name its folder with --spool, or the server's --config");
  }
  storage::store_options how;
  how.path = path;
  how.read_only = true;
  auto opened = storage::store::open(how);
  if (!opened) return std::unexpected("cannot read the spool in " + path + ": " + opened.error().detail);
  return to_report(spool::audit(**opened, nullptr));
}

}  // namespace gonets::app
