#include "config/reload.h"

#include <fmt/format.h>

#include "config/declarations.h"

namespace gonets::config {
namespace {

template <class Owner>
void compare(const std::vector<declaration<Owner>>& declared, const std::string& key, const Owner& a, const Owner& b,
             std::vector<std::string>& names) {
  for (const declaration<Owner>& d : declared) {
    if (d.change == on_change::restart && d.write(a) != d.write(b)) names.push_back(fmt::format("{}.{}", key, d.name));
  }
}

}  // namespace

std::vector<std::string> reload_differences(const settings& running, const settings& wanted) {
  std::vector<std::string> names;
  for (const section& s : sections())
    compare(s.settings_of, std::string(s.name), running, wanted, names);
  if (running.sinks != wanted.sinks) names.emplace_back("sink");
  if (running.listeners.size() != wanted.listeners.size()) {
    names.emplace_back("listener");
    return names;
  }
  for (std::size_t i = 0; i < running.listeners.size(); ++i) {
    compare(listener_declarations(), fmt::format("listener[{}]", i + 1), running.listeners[i], wanted.listeners[i],
            names);
  }
  return names;
}

}  // namespace gonets::config
