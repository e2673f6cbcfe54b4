#include "app/cli/config_commands.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>
#include <ostream>

#include "config/check.h"
#include "config/load.h"
#include "config/reference.h"
#include "runtime/shards.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

std::string file_of(const arguments& given) {
  return given.config_file.empty() ? default_config_file : given.config_file;
}

json::object to_object(const config::config_error& e) {
  json::object o{{"severity", "error"}, {"file", e.file}, {"text", config::to_text(e)}};
  if (e.line > 0) o["line"] = e.line;
  if (e.line > 0) o["column"] = e.column;
  if (!e.key.empty()) o["key"] = e.key;
  o["found"] = e.found;
  if (!e.expected.empty()) o["expected"] = e.expected;
  if (!e.nearest.empty()) o["nearest"] = e.nearest;
  return o;
}

json::object to_object(const config::finding& f, const std::string& file) {
  return {{"severity", f.how == config::severity::error ? "error" : "warning"},
          {"file", file},
          {"key", f.key},
          {"text", f.text}};
}

int check_as_json(const std::string& file, std::ostream& out) {
  const auto loaded = config::load(file);
  json::array findings;
  bool fine = loaded.has_value();
  if (!loaded) {
    for (const auto& e : loaded.error())
      findings.push_back(to_object(e));
  } else {
    const auto found = config::check(*loaded, runtime::system_clock().wall());
    fine = !config::has_errors(found);
    for (const auto& f : found)
      findings.push_back(to_object(f, file));
  }
  out << json::serialize(json::object{{"ok", fine}, {"file", file}, {"findings", std::move(findings)}}) << '\n';
  return fine ? exit_fine : exit_negative;
}

}  // namespace

std::optional<config::settings> load_checked(const std::string& file, std::ostream& err) {
  auto loaded = config::load(file);
  if (!loaded) {
    for (const auto& e : loaded.error())
      err << config::to_text(e) << '\n';
    return std::nullopt;
  }
  const auto findings = config::check(*loaded, runtime::system_clock().wall());
  for (const auto& f : findings)
    err << file << ": " << config::to_text(f) << '\n';
  if (config::has_errors(findings)) return std::nullopt;
  return std::move(*loaded);
}

int check_config(const arguments& given, std::ostream& out, std::ostream& err) {
  const auto file = file_of(given);
  if (given.json) return check_as_json(file, out);
  if (!load_checked(file, err)) return exit_negative;
  out << file << ": no errors\n";
  return exit_fine;
}

int config_reference(std::ostream& out) {
  out << config::reference_markdown();
  return exit_fine;
}

int version(const arguments& given, std::ostream& out) {
  if (given.json) {
    out << R"({"name":"gonets","version":")" GONETS_VERSION "\"}\n";
  } else {
    out << "gonets " GONETS_VERSION "\n";
  }
  return exit_fine;
}

std::optional<location> locate(const arguments& given, const char* from_environment, const std::string& default_file,
                               std::ostream& err) {
  location found;
  found.socket = given.socket;
  const bool environment_given = from_environment != nullptr && *from_environment != '\0';
  if (found.socket.empty() && given.config_file.empty() && environment_given) found.socket = from_environment;
  std::error_code ignored;
  if (!given.config_file.empty()) {
    found.config_file = given.config_file;
  } else if (found.socket.empty() && std::filesystem::exists(default_file, ignored)) {
    found.config_file = default_file;
  }
  if (!found.config_file.empty()) {
    const auto loaded = config::load(found.config_file);
    if (loaded) {
      found.spool_path = loaded->spool.path;
      if (found.socket.empty()) found.socket = loaded->api.socket;
    } else if (!given.config_file.empty() && found.socket.empty()) {
      for (const auto& e : loaded.error())
        err << config::to_text(e) << '\n';
      return std::nullopt;
    }
  }
  if (found.socket.empty()) found.socket = config::settings().api.socket;
  return found;
}

}  // namespace gonets::app::cli
