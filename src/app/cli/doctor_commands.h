// `gonets doctor`: examines a configuration, the machine, and the server if it runs.
#pragma once
#include "app/cli/arguments.h"
#include "app/cli/context.h"

namespace gonets::app::cli {

// Negative when an examination failed; warnings are only told.
int run_doctor(const arguments& given, const context& with, const std::string& config_file);

}  // namespace gonets::app::cli
