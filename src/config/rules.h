// Reads files of providers and reply rules (rules/providers.toml, docs/shaping.md). Every error in one is found in one
// go, as in load.h.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "shaping/reply_rule.h"

namespace gonets::config {

// A rule may name a provider of the same text only. Whether the rules take their samples is shaping::check_samples'
// question.
std::expected<shaping::rules, std::vector<config_error>> parse_rules(std::string_view text, std::string_view file_name);
std::expected<shaping::rules, std::vector<config_error>> load_rules(
    const std::string& path);  // empty: the shipped ones

// The file that the program was built with.
std::string_view shipped_rules_text();
inline constexpr std::string_view shipped_rules_name = "rules/providers.toml";

}  // namespace gonets::config
