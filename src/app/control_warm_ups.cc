// What the API asks of warm-ups.
#include <fmt/format.h>

#include "app/operator_control.h"
#include "base/text.h"

namespace gonets::app {

std::vector<shaping::warm_up_book::line> operator_control::warm_ups() {
  return parts_.warm_ups.lines();
}

std::expected<shaping::warm_up_book::line, httpd::response> operator_control::set_warm_up(
    const httpd::warm_up_request& to) {
  const auto refuse = [](const std::string& message, const std::string& hint) {
    return std::unexpected(httpd::error_response(400, "invalid_body", message, hint));
  };
  const auto rules = parts_.rules.load();
  if (to.provider != shaping::other_sites && rules->providers.find(to.provider) == nullptr) {
    std::vector<std::string> names{std::string(shaping::other_sites)};
    for (const auto& p : rules->providers.all())
      names.push_back(p.name);
    const auto near = nearest(to.provider, names);
    return refuse(
        fmt::format("provider: there is no \"{}\"", to.provider),
        near.empty() ? "\"other sites\" are those of no known provider" : fmt::format("did you mean \"{}\"?", near));
  }
  constexpr std::uint32_t beyond = UINT32_MAX;
  auto line = parts_.warm_ups.set_day(to.egress, to.provider, to.day.value_or(beyond));
  if (!line)
    return refuse(fmt::format("the egress \"{}\" has no warm-up at {}", to.egress, to.provider),
                  "a [[warm_up]] in the configuration makes one");
  return *line;
}

}  // namespace gonets::app
