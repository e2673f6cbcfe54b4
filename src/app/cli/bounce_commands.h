// What bounces and replies mean, without a server.
#pragma once
#include "app/cli/account_arguments.h"
#include "app/cli/dkim_commands.h"

namespace gonets::app::cli {

void add_bounce_commands(CLI::App& app, arguments& to, const command_adder& with);

// Reads one message from `in`, or with --reply replies, one a line. Returns the exit status: that a
// message is no report is an answer, too.
int bounce_classify(const arguments& given, const filter_context& with);

}  // namespace gonets::app::cli
