// The subcommand `suppression`.
#pragma once
#include "app/cli/account_arguments.h"

namespace gonets::app::cli {

void add_suppression_commands(CLI::App& app, arguments& to, const command_adder& with);

}  // namespace gonets::app::cli
