// Providers, reply rules and presets of smarthosts: shown, checked and tried without a server.
#pragma once
#include "app/cli/arguments.h"
#include "app/cli/dkim_commands.h"

namespace gonets::app::cli {

// Each returns the exit status.
int rules_show(const arguments& given, const filter_context& with);
int rules_presets(const arguments& given, const filter_context& with);
int rules_check(const arguments& given, const filter_context& with);
// Reads replies from `in`, one a line, until it ends; empty lines are passed over.
int rules_try(const arguments& given, const filter_context& with);

}  // namespace gonets::app::cli
