#include "config/settings.h"

#include <algorithm>

namespace gonets::config {

std::vector<stream> default_streams() {
  return {{"transactional", 0, shaping::default_retry_policy()}, {"bulk", 1, shaping::bulk_retry_policy()}};
}

const stream& settings::stream_named(const std::string& name) const {
  const auto found = std::find_if(streams.begin(), streams.end(), [&](const stream& s) { return s.name == name; });
  return found == streams.end() ? streams.front() : *found;
}

}  // namespace gonets::config
