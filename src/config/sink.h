// One [[sink]]: where the event log is copied to.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::config {

enum class sink_kind : std::uint8_t { jsonl };

struct sink {
  std::string name;
  sink_kind kind = sink_kind::jsonl;
  std::string folder;
  std::uint64_t rotate_bytes = 104'857'600;
  std::chrono::milliseconds rotate_after = std::chrono::hours(1);
  bool compress = true;
  std::size_t keep_files = 0;
  std::chrono::milliseconds keep_for{0};
  std::vector<std::string> kinds, streams;
  bool operator==(const sink&) const = default;
};

// Whether it is the name of a kind of event: events::kind_words(), which this layer does not see.
bool is_event_kind(std::string_view word);

}  // namespace gonets::config
