// `gonets serve`: wires all parts together and runs until a signal ends it. The only place that knows everybody.
#pragma once
#include <string>

#include "config/settings.h"

namespace gonets::app {

// Blocks until SIGTERM or SIGINT; SIGHUP reads `config_file` again. Returns the exit code of the process. On a clean
// stop it does not return but ends the process, once all is on disk: nothing that a destructor could do is worth the
// wait.
int serve(const config::settings& with, const std::string& config_file);

}  // namespace gonets::app
