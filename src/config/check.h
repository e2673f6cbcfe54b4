// Whether the settings go together, and with this machine: what no single value can tell. Looks at the file system and
// the list of users; changes nothing, and asks no network.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/settings.h"

namespace gonets::config {

// error: the server must not start so. warning: it starts, and says it.
enum class severity : std::uint8_t { warning, error };

struct finding {
  severity how = severity::warning;
  std::string key;   // "listener[1].trusted_networks", counted from 1
  std::string text;  // what is wrong, what will come of it, what to do
  bool operator==(const finding&) const = default;
};

// error: listener[1].stream: there is no stream "bluk"; did you mean "bulk"?
std::string to_text(const finding& f);

// In the order of the reference page. Without the time, nothing is said of what has expired.
std::vector<finding> check(const settings& s, std::optional<wall_time> now = std::nullopt);
bool has_errors(const std::vector<finding>& findings);

}  // namespace gonets::config
