// Reads files of bounce rules (rules/bounces.toml, docs/bounces.md). Every error in one is found in one go, as in
// load.h.
#pragma once
#include <expected>
#include <string_view>
#include <vector>

#include "bounce/classifier.h"
#include "config/load.h"

namespace gonets::config {

std::expected<bounce::rule_file, std::vector<config_error>> parse_bounce_rules(std::string_view text,
                                                                               std::string_view file_name);

// Made of the rules that the program was built with, at the first call; a test sees to it that they are in order.
const bounce::classifier& shipped_classifier();
std::string_view shipped_bounce_rules_text();
inline constexpr std::string_view shipped_bounce_rules_name = "rules/bounces.toml";

}  // namespace gonets::config
