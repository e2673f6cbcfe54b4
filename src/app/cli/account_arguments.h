// The subcommands `account`, `credential` and `plan`.
#pragma once
#include <functional>
#include <string>

#include "app/cli/arguments.h"

namespace CLI {
class App;
}

namespace gonets::app::cli {

// How a subcommand is made here; of the command line that they become part of.
struct command_adder {
  std::function<CLI::App*(CLI::App& under, const std::string& name, const std::string& help, command what,
                          const std::string& example)>
      add;
  std::function<void(CLI::App*)> add_client;  // the options of what asks a server
};

void add_account_commands(CLI::App& app, arguments& to, const command_adder& with);

}  // namespace gonets::app::cli
