// What a reload can't change. Pure.
#pragma once
#include <string>
#include <vector>

#include "config/settings.h"

namespace gonets::config {

// The names of the settings that differ and need a restart ("spool.path", "listener[2].address"), in the order of the
// reference page; empty: a reload takes all of the new settings. Listeners are compared in their order; "listener"
// stands for a different number of them.
std::vector<std::string> reload_differences(const settings& running, const settings& wanted);

}  // namespace gonets::config
