// The subcommand `hold`.
#pragma once
#include "app/cli/account_arguments.h"

namespace gonets::app::cli {

void add_hold_commands(CLI::App& app, arguments& to, const command_adder& with);

}  // namespace gonets::app::cli
