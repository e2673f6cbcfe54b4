// What the system's tools call a thread: top -H, ps -L, perf.
#pragma once
#include <string_view>

namespace gonets {

void name_this_thread(std::string_view name);  // its first 15 bytes

}  // namespace gonets
