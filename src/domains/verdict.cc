#include "domains/verdict.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "accounts/last_check.h"
#include "events/event.h"

namespace gonets::domains {
namespace {

namespace json = boost::json;
using domain_check::status;

json::object to_object(const domain_check::finding& f, const accounts::check_results& before) {
  json::object o{{"check", f.check}, {"result", to_text(f.result)}, {"text", f.text}};
  if (!f.about.empty()) o["about"] = f.about;
  if (!f.advice.empty()) o["advice"] = f.advice;
  if (f.result != status::unknown) return o;
  if (const auto at = before.find({f.check, f.about}); at != before.end()) o["before"] = at->second;
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
  const auto known = accounts::results_of(before);
  json::array findings;
  json::array providers;
  for (const auto& f : r.findings)
    findings.push_back(to_object(f, known));
  for (const auto& p : r.providers)
    providers.push_back(to_object(p));
  return json::serialize(json::object{{"at", events::json_time(at)},
                                      {"good", r.good()},
                                      {"owned", r.owned},
                                      {"findings", std::move(findings)},
                                      {"providers", std::move(providers)}});
}

std::vector<std::string> regressions(std::string_view before, const domain_check::report& now) {
  const auto known = accounts::results_of(before);
  std::vector<std::string> found;
  for (const auto& f : now.findings) {
    if (f.result != status::warning && f.result != status::failed) continue;
    const auto at = known.find({f.check, f.about});
    if (at != known.end() && at->second == to_text(status::ok)) found.push_back(fmt::format("{}: {}", f.check, f.text));
  }
  return found;
}

}  // namespace gonets::domains
