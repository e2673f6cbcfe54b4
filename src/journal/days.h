// The journal's files: one a day (UTC) of acceptance, so that all that is known of a message stands in one file and
// what is too old goes with it.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace gonets::journal {

std::chrono::sys_days day_of(message_id id);
std::string file_of(std::chrono::sys_days day);  // "journal-2026-11-27.db": they sort as the days do
struct day_file {
  std::chrono::sys_days day;
  std::string name;
};
// Those in `folder`, the newest first.
std::vector<day_file> files_in(const std::string& folder);

}  // namespace gonets::journal
