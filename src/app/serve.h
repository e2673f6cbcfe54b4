// Runs the server in the foreground until SIGTERM or SIGINT. Returns the process's exit status.
#pragma once
#include <string>

#include "config/settings.h"

namespace gonets::app {

// `config_file` is read again at SIGHUP; empty: there is none.
int serve(const config::settings& with, const std::string& config_file);

}  // namespace gonets::app
