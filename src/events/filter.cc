#include "events/filter.h"

#include <algorithm>

namespace gonets::events {
namespace {
constexpr unsigned kinds_max = 64;
}

std::vector<std::string_view> kind_words() {
  std::vector<std::string_view> all;
  for (unsigned n = 1; n < kinds_max; ++n) {
    const auto word = to_text(static_cast<kind>(n));
    if (word != "unknown") all.push_back(word);
  }
  return all;
}

std::optional<kind> parse_kind(std::string_view word) {
  if (word == "unknown") return std::nullopt;
  for (unsigned n = 1; n < kinds_max; ++n) {
    if (to_text(static_cast<kind>(n)) == word) return static_cast<kind>(n);
  }
  return std::nullopt;
}

bool is_of_account(const event& e) {
  return e.message != message_id{} || e.kind == kind::domain || e.kind == kind::rejected || e.kind == kind::quota;
}

bool filter::wants(const event& e) const {
  if (account && (e.account != *account || !is_of_account(e))) return false;
  if (!kinds.empty() && std::ranges::find(kinds, e.kind) == kinds.end()) return false;
  return streams.empty() || std::ranges::find(streams, e.stream) != streams.end();
}

}  // namespace gonets::events
