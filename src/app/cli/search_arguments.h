// The subcommands `messages` and `stats`.
#pragma once
#include "app/cli/account_arguments.h"

namespace gonets::app::cli {

void add_search_commands(CLI::App& app, arguments& to, const command_adder& with);
void add_statistics_command(CLI::App& app, arguments& to, const command_adder& with);

}  // namespace gonets::app::cli
