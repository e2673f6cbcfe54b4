// The commands that need no running server.
#pragma once
#include <optional>
#include <string>

#include "app/cli/arguments.h"
#include "app/cli/context.h"
#include "config/settings.h"

namespace gonets::app::cli {

inline constexpr const char* default_config_file = "/etc/gonets/gonets.toml";

// Loads and checks; says on `err` all that is wrong, and what is doubtful. Nothing when there are errors.
std::optional<config::settings> load_checked(const std::string& file, std::ostream& err);

int check_config(const arguments& given, std::ostream& out, std::ostream& err);
int config_reference(std::ostream& out);
int version(const arguments& given, std::ostream& out);

// Where the server of a client command is, and what to tell whoever has to start it.
struct location {
  std::string socket;
  std::string config_file;  // empty: none is in use
  std::string spool_path;   // of the configuration, when it was read
};
// --socket, --config, $GONETS_SOCKET (`from_environment`, may be null), `default_file` if it is there, the default. An
// explicit --config that cannot be read is an error, said on `err`.
std::optional<location> locate(const arguments& given, const char* from_environment, const std::string& default_file,
                               std::ostream& err);

}  // namespace gonets::app::cli
