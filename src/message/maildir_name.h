// Names of files in a Maildir (maildir(5)).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace gonets::message {

struct maildir_facts {
  wall_time now{};
  std::uint64_t microseconds = 0;  // of the second; below a million
  std::uint32_t process_id = 0;
  std::uint64_t delivery = 0;  // rises with every delivery of this process: what makes the name unique within it
  std::string_view host;
};

// "1792124912.M123456P4711Q42.mx.example.test": for tmp/, and kept in new/. '/' and ':' in the host become \057 and
// \072, as maildir(5) asks; any other byte that is not printable ASCII becomes '_'. An empty host becomes "localhost".
std::string maildir_name(const maildir_facts& facts);

}  // namespace gonets::message
