#include "app/cli/doctor_commands.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "app/cli/text.h"
#include "app/doctor/doctor.h"
#include "config/load.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;
using doctor::health;

colour colour_of(health h) {
  return h == health::ok ? colour::green : h == health::warning ? colour::yellow : colour::red;
}

void print(const doctor::report& r, const context& with) {
  std::size_t warnings = 0, failures = 0;
  for (const auto& d : r.all()) {
    warnings += d.how == health::warning;
    failures += d.how == health::failed;
    with.out << coloured(fmt::format("{:<7}", doctor::to_text(d.how)), colour_of(d.how), with.screen)
             << fmt::format("  {:<13}  {}\n", d.subject, printable(d.text));
    if (!d.advice.empty()) with.out << fmt::format("{:24}-> {}\n", "", printable(d.advice));
  }
  with.out << fmt::format("\n{}, {}\n", count(warnings, "warning"), count(failures, "failure"));
}

void print_json(const doctor::report& r, const context& with) {
  json::array all;
  for (const auto& d : r.all()) {
    json::object o{{"subject", d.subject}, {"health", doctor::to_text(d.how)}, {"text", d.text}};
    if (!d.advice.empty()) o["advice"] = d.advice;
    all.push_back(std::move(o));
  }
  with.out << json::serialize(json::object{{"ok", !r.any_failed()}, {"findings", std::move(all)}}) << '\n';
}

std::expected<std::string, std::string> page(const context& with, const std::string& path) {
  auto answer = with.ask("GET", path, "");
  if (!answer) return std::unexpected(answer.error().text);
  if (answer->status != 200) return std::unexpected(fmt::format("{} was answered with {}", path, answer->status));
  return std::move(answer->body);
}

}  // namespace

int run_doctor(const arguments& given, const context& with, const std::string& config_file) {
  doctor::report r;
  const auto loaded = config::load(config_file);
  if (!loaded) {
    r.begin("configuration");
    for (const auto& e : loaded.error())
      r.failed(config::to_text(e), "nothing else can be examined before it can be read");
  } else {
    doctor::surroundings around{*loaded, with.now(), [&](const std::string& path) { return page(with, path); }};
    around.running = page(with, "/healthz").has_value();
    doctor::examine_all(around, r);
  }
  given.json ? print_json(r, with) : print(r, with);
  return r.any_failed() ? exit_negative : exit_fine;
}

}  // namespace gonets::app::cli
