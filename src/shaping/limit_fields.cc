#include "shaping/limit_fields.h"

namespace gonets::shaping {

std::vector<limit_setting> settings_of(const provider_limits& limits, const std::string& source) {
  std::vector<limit_setting> all;
  for (const auto& [name, field, what] : limit_fields) {
    if (const auto& max = limits.*field) all.push_back({.what = what, .max = *max, .source = source});
  }
  return all;
}

}  // namespace gonets::shaping
