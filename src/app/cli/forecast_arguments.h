// The subcommands `forecast` and `top`.
#pragma once
#include "app/cli/account_arguments.h"

namespace gonets::app::cli {

void add_forecast_command(CLI::App& app, arguments& to, const command_adder& with);
void add_top_command(CLI::App& app, arguments& to, const command_adder& with);

}  // namespace gonets::app::cli
