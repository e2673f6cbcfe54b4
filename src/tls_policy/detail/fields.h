// The "name=value; name=value" texts of both `_mta-sts` and `_smtp._tls` (RFC 8461 3.1, RFC 8460 3). Pure.
#pragma once
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace gonets::tls_policy::detail {

inline constexpr std::size_t record_bytes_max = 4096;

std::string_view trimmed(std::string_view text);  // of SP and HTAB
bool is_alphanumeric(char c);                     // ASCII
// (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
bool is_field_name(std::string_view name);

// What follows `version` ("v=STSv1"), as pairs in their order. Nothing when the text does not begin with it and a
// delimiter, or a field is none.
std::optional<std::vector<std::pair<std::string_view, std::string_view>>> record_fields(std::string_view text,
                                                                                        std::string_view version);

// The one TXT record among those of a name that begins with `version` and ';'; nothing when there is none or are
// several: both mean that there is no policy.
template <class Records>
std::optional<std::string_view> only_record(const Records& records, std::string_view version) {
  std::optional<std::string_view> found;
  for (const std::string_view text : records) {
    if (!text.starts_with(version)) continue;
    const auto rest = trimmed(text.substr(version.size()));
    if (!rest.empty() && rest.front() != ';') continue;
    if (found) return std::nullopt;
    found = text;
  }
  return found;
}

}  // namespace gonets::tls_policy::detail
