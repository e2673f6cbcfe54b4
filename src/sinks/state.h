// What a sink remembers over a restart: docs/formats/sinks.md. A value.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"

namespace gonets::sinks {

struct open_part {
  std::string file;         // its name in the folder, without ".part"
  std::uint64_t bytes = 0;  // of it that are good; what lies beyond is of events behind the cursor
  bool frame_open = false;  // a zstd frame has not ended there
  wall_time opened{};
  bool operator==(const open_part&) const = default;
};

struct state {
  event_seq cursor;  // of the last event that is in the files, or was not wanted
  std::optional<open_part> part;
  bool operator==(const state&) const = default;
};

std::string encode(const state& s);
std::optional<state> decode_state(std::string_view text);

}  // namespace gonets::sinks
