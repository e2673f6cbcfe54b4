// The file of a sink's state: docs/formats/sinks.md.
#pragma once
#include <string>

#include "sinks/detail/os_file.h"
#include "sinks/state.h"

namespace gonets::sinks::detail {

// Where there is no file, that of a new sink.
outcome<state> read_state(const std::string& path);
inline outcome<void> write_state(const std::string& path, const state& s) {
  return replace_file(path, encode(s));
}

}  // namespace gonets::sinks::detail
