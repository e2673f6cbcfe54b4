// The result of a check as it is kept and shown: JSON, the schema `domain_check` of api/openapi.yaml.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "domain_check/check.h"

namespace gonets::domains {

// `before` is the verdict of the check before, or empty: what could not be looked up keeps its last known result there.
std::string to_json(const domain_check::report& r, wall_time at, std::string_view before);

// What was ok in `before` and is a warning or failed now: a sentence each, that begins with the name of the check.
std::vector<std::string> regressions(std::string_view before, const domain_check::report& now);

}  // namespace gonets::domains
