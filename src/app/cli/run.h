// The whole of the `gonets` command; main() only passes its arguments on.
#pragma once

namespace gonets::app::cli {

// Returns the process's exit status.
int run(int argc, const char* const* argv);

}  // namespace gonets::app::cli
