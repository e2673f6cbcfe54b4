// What `gonets doctor` looks at: one examination a subject, each by itself, with or without a running server. To add
// one, write a function that reports what it finds, declare it below, and list it in `examinations()`.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/settings.h"

namespace gonets::app::doctor {

// warning: works, but not as it should, or not for long. failed: mail is refused, lost sight of or stuck for it.
enum class health : std::uint8_t { ok, warning, failed };
std::string_view to_text(health h);  // "ok", "warning", "failed"

struct diagnosis {
  std::string subject;  // the examination's name
  health how = health::ok;
  std::string text;    // what was found
  std::string advice;  // what to do; empty when ok
  bool operator==(const diagnosis&) const = default;
};

struct surroundings {
  const config::settings& with;
  wall_time now;
  // The text of the running server's page (GET `path`); else why there is none, with what to do.
  std::function<std::expected<std::string, std::string>(const std::string& path)> ask;
  bool running = false;  // a server answers on the API
};

class report {
 public:
  void begin(std::string_view subject) { subject_ = subject; }
  void ok(std::string text) { all_.push_back({subject_, health::ok, std::move(text), {}}); }
  void warning(std::string text, std::string advice) {
    all_.push_back({subject_, health::warning, std::move(text), std::move(advice)});
  }
  void failed(std::string text, std::string advice) {
    all_.push_back({subject_, health::failed, std::move(text), std::move(advice)});
  }
  const std::vector<diagnosis>& all() const { return all_; }
  bool any_failed() const;

 private:
  std::string subject_;
  std::vector<diagnosis> all_;
};

struct examination {
  std::string_view subject;
  void (*examine)(const surroundings& around, report& to);
};
const std::vector<examination>& examinations();  // in the order in which they are told
void examine_all(const surroundings& around, report& to);

void examine_configuration(const surroundings& around, report& to);
void examine_server(const surroundings& around, report& to);
void examine_listeners(const surroundings& around, report& to);
void examine_certificates(const surroundings& around, report& to);
void examine_egresses(const surroundings& around, report& to);
void examine_blocklists(const surroundings& around, report& to);
void examine_disk(const surroundings& around, report& to);
void examine_sinks(const surroundings& around, report& to);
void examine_dns(const surroundings& around, report& to);

}  // namespace gonets::app::doctor
