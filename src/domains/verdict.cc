#include "domains/verdict.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>

namespace gonets::domains {
namespace {

namespace json = boost::json;
using domain_check::status;

std::string key_of(std::string_view check, std::string_view about) {
  return fmt::format("{} {}", check, about);
}

std::string text_at(const json::object& o, std::string_view name) {
  const auto* at = o.if_contains(name);
  return at != nullptr && at->is_string() ? std::string(at->as_string()) : std::string();
}

std::string time_text(wall_time t) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(t);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (t - seconds).count());
}

// Check and subject to the last result that was known.
std::map<std::string, std::string> known_results(std::string_view before) {
  std::map<std::string, std::string> found;
  boost::system::error_code error;
  const auto parsed = json::parse(before, error);
  const auto* top = error ? nullptr : parsed.if_object();
  const auto* findings = top == nullptr ? nullptr : top->if_contains("findings");
  if (findings == nullptr || !findings->is_array()) return found;
  for (const auto& each : findings->as_array()) {
    if (!each.is_object()) continue;
    const auto& o = each.as_object();
    auto result = text_at(o, "result");
    if (result == to_text(status::unknown)) result = text_at(o, "before");
    if (!result.empty()) found[key_of(text_at(o, "check"), text_at(o, "about"))] = result;
  }
  return found;
}

json::object to_object(const domain_check::finding& f, const std::map<std::string, std::string>& before) {
  json::object o{{"check", f.check}, {"result", to_text(f.result)}, {"text", f.text}};
  if (!f.about.empty()) o["about"] = f.about;
  if (!f.advice.empty()) o["advice"] = f.advice;
  if (f.result != status::unknown) return o;
  if (const auto at = before.find(key_of(f.check, f.about)); at != before.end()) o["before"] = at->second;
  return o;
}

json::object to_object(const domain_check::provider_verdict& v) {
  json::array all;
  for (const auto& r : v.requirements)
    all.push_back(json::object{{"name", r.name}, {"result", to_text(r.result)}, {"text", r.text}});
  return {
      {"provider", v.provider}, {"result", to_text(v.result)}, {"source", v.source}, {"requirements", std::move(all)}};
}

}  // namespace

std::string to_json(const domain_check::report& r, wall_time at, std::string_view before) {
  const auto known = known_results(before);
  json::array findings;
  json::array providers;
  for (const auto& f : r.findings)
    findings.push_back(to_object(f, known));
  for (const auto& p : r.providers)
    providers.push_back(to_object(p));
  return json::serialize(json::object{{"at", time_text(at)},
                                      {"good", r.good()},
                                      {"owned", r.owned},
                                      {"findings", std::move(findings)},
                                      {"providers", std::move(providers)}});
}

std::vector<std::string> regressions(std::string_view before, const domain_check::report& now) {
  const auto known = known_results(before);
  std::vector<std::string> found;
  for (const auto& f : now.findings) {
    if (f.result != status::warning && f.result != status::failed) continue;
    const auto at = known.find(key_of(f.check, f.about));
    if (at != known.end() && at->second == to_text(status::ok)) found.push_back(fmt::format("{}: {}", f.check, f.text));
  }
  return found;
}

}  // namespace gonets::domains
