// What the last check of a sender domain found, out of the JSON that sender_domain::last_check keeps. Pure.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace gonets::accounts {

// By check and what it is about (empty: there is one): "ok", "warning", "failed", "info". Where a look-up failed, as it
// was before; nothing where that is not known.
using check_results = std::map<std::pair<std::string, std::string>, std::string>;
check_results results_of(std::string_view last_check);

}  // namespace gonets::accounts
