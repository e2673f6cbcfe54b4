#include "config/settings.h"

#include <algorithm>

namespace gonets::config {

bool network::contains(const std::array<std::uint8_t, 16>& other) const {
  const std::size_t whole = prefix_bits / 8;
  if (!std::equal(address.begin(), address.begin() + whole, other.begin())) return false;
  const unsigned rest = prefix_bits % 8;
  return rest == 0 || (address[whole] ^ other[whole]) >> (8 - rest) == 0;
}

std::vector<stream> default_streams() {
  return {{"transactional", 0, shaping::default_retry_policy()}, {"bulk", 1, shaping::bulk_retry_policy()}};
}

const stream& settings::stream_named(const std::string& name) const {
  const auto found = std::find_if(streams.begin(), streams.end(), [&](const stream& s) { return s.name == name; });
  return found == streams.end() ? streams.front() : *found;
}

}  // namespace gonets::config
