// Whether sinks can write, as the running server's metrics tell.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "app/doctor/doctor.h"

namespace gonets::app::doctor {
namespace {

// Of one sink; nothing where the page does not have it.
std::optional<double> sample(std::string_view metrics, std::string_view name, const std::string& sink) {
  const auto start = fmt::format("{}{{sink=\"{}\"}} ", name, sink);
  for (std::size_t at = 0; at < metrics.size();) {
    const auto end = std::min(metrics.find('\n', at), metrics.size());
    const auto line = metrics.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(start)) continue;
    double value = 0;
    const auto number = line.substr(start.size());
    const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
    return read.ec == std::errc() ? std::optional(value) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

void examine_sinks(const surroundings& around, report& to) {
  if (around.with.sinks.empty()) return to.ok("there is none");
  if (!around.running) return to.ok(fmt::format("{}; how they do, a running server can say", around.with.sinks.size()));
  const auto metrics = around.ask("/metrics").value_or("");
  for (const auto& each : around.with.sinks) {
    const auto up = sample(metrics, "gonets_sink_up", each.name);
    const auto lag = sample(metrics, "gonets_sink_lag_seconds", each.name).value_or(0);
    if (!up) {
      to.warning(fmt::format("the sink {}: the server that runs does not have it", each.name), "restart the server");
    } else if (*up == 0) {
      to.failed(fmt::format("the sink {} cannot write; its oldest event has waited {:.0f} s", each.name, lag),
                "the server's log says why: sink_failed; events wait for spool.event_retention");
    } else {
      to.ok(fmt::format("the sink {} is {:.0f} s behind", each.name, lag));
    }
  }
}

}  // namespace gonets::app::doctor
