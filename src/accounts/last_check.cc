#include "accounts/last_check.h"

#include <boost/json.hpp>

namespace gonets::accounts {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& o, std::string_view name) {
  const auto* at = o.if_contains(name);
  return at != nullptr && at->is_string() ? std::string(at->get_string()) : std::string();
}

}  // namespace

check_results results_of(std::string_view last_check) {
  check_results found;
  boost::system::error_code error;
  const auto parsed = json::parse(last_check, error);
  const auto* const top = error ? nullptr : parsed.if_object();
  const auto* const findings = top == nullptr ? nullptr : top->if_contains("findings");
  if (findings == nullptr || !findings->is_array()) return found;
  for (const auto& each : findings->get_array()) {
    if (!each.is_object()) continue;
    const auto& o = each.get_object();
    auto result = text_at(o, "result");
    if (result == "unknown") result = text_at(o, "before");
    if (!result.empty()) found[{text_at(o, "check"), text_at(o, "about")}] = std::move(result);
  }
  return found;
}

}  // namespace gonets::accounts
