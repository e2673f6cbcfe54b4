#include "app/doctor/doctor.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "config/check.h"

namespace gonets::app::doctor {

std::string_view to_text(health h) {
  static constexpr std::array<std::string_view, 3> words = {"ok", "warning", "failed"};
  return words[static_cast<std::size_t>(h)];
}

bool report::any_failed() const {
  return std::ranges::any_of(all_, [](const diagnosis& d) { return d.how == health::failed; });
}

const std::vector<examination>& examinations() {
  static const std::vector<examination> all{
      {"configuration", examine_configuration},
      {"server", examine_server},
      {"listeners", examine_listeners},
      {"certificates", examine_certificates},
      {"egresses", examine_egresses},
      {"blocklists", examine_blocklists},
      {"disk", examine_disk},
      {"sinks", examine_sinks},
      {"dns", examine_dns},
  };
  return all;
}

void examine_all(const surroundings& around, report& to) {
  for (const auto& each : examinations()) {
    to.begin(each.subject);
    each.examine(around, to);
  }
}

void examine_configuration(const surroundings& around, report& to) {
  // Of what has expired the certificates' examination tells.
  const auto findings = config::check(around.with);
  for (const auto& f : findings) {
    auto text = fmt::format("{}: {}", f.key, f.text);
    constexpr const char* advice = "change it, then `gonets check-config`; docs/configuration.md explains each setting";
    if (f.how == config::severity::error) {
      to.failed(std::move(text), advice);
    } else {
      to.warning(std::move(text), advice);
    }
  }
  if (findings.empty()) to.ok("no errors");
}

void examine_server(const surroundings& around, report& to) {
  if (around.running) return to.ok("answers on " + around.with.api.socket);
  const auto answer = around.ask("/healthz");
  to.warning(answer ? std::string("does not answer as it should") : answer.error(), "start it: gonets serve");
}

void examine_disk(const surroundings& around, report& to) {
  const auto& spool = around.with.spool;
  std::filesystem::path at = spool.path;
  std::error_code ignored;
  while (!std::filesystem::exists(at, ignored) && at.has_relative_path())
    at = at.parent_path();
  struct statvfs room {};
  if (::statvfs(at.c_str(), &room) != 0) {
    return to.failed(fmt::format("{}: {}", at.string(), std::strerror(errno)), "make the folder, or change spool.path");
  }
  const auto free = std::uint64_t{room.f_bavail} * room.f_frsize;
  constexpr std::uint64_t unit = 1024 * 1024;
  const auto text = fmt::format("{} free for the spool in {}; mail is refused below {}",
                                format_bytes(free / unit * unit), spool.path, format_bytes(spool.free_bytes_min));
  if (free < spool.free_bytes_min) return to.failed(text, "make room, or move spool.path to a larger disk");
  if (free / 2 < spool.free_bytes_min) return to.warning(text, "make room before mail is refused");
  constexpr std::uint64_t files_min = 10'000;
  if (room.f_files > 0 && room.f_favail < files_min) {
    return to.warning(fmt::format("{} files can still be made on the disk of {}", room.f_favail, spool.path),
                      "remove small files from that disk");
  }
  to.ok(text);
}

}  // namespace gonets::app::doctor
