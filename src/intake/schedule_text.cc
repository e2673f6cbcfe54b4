#include "intake/schedule_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace gonets::intake {
namespace {

std::string time_text(wall_time t) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(t);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
}

}  // namespace

std::string schedule_text(const message::envelope& of) {
  std::string text;
  if (of.release_at != wall_time{}) text = "held by its sender until " + time_text(of.release_at);
  if (of.deliver_by == wall_time{}) return text;
  if (!text.empty()) text += ", ";
  return text + fmt::format("to be delivered by {} or {}", time_text(of.deliver_by),
                            of.by_return ? "returned" : "reported late");
}

}  // namespace gonets::intake
