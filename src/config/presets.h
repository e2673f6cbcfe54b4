// What is known of other providers' submission servers (rules/presets.toml, docs/smarthosts.md): where they are, and
// what they let one login send. Every error in such a file is found in one go, as in load.h.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "shaping/provider.h"

namespace gonets::config {

struct preset {
  std::string name;   // "mail.ru": what a route calls it
  std::string title;  // "Mail.ru"
  route target;       // of kind smtp, to a host that is named
  shaping::provider_limits limits;
  std::string token_url;    // where its OAuth 2 tokens are; empty: it takes none, or each customer has another
  std::string token_scope;  // that such tokens must have
  bool takes_tokens() const { return !token_url.empty() || !token_scope.empty(); }
};

std::expected<std::vector<preset>, std::vector<config_error>> parse_presets(std::string_view text,
                                                                            std::string_view file_name);

// Those that the program was built with; a test sees to it that they are in order.
const std::vector<preset>& shipped_presets();
std::string_view shipped_presets_text();
inline constexpr std::string_view shipped_presets_name = "rules/presets.toml";
const preset* find_preset(std::string_view name);  // null: there is none

}  // namespace gonets::config
