#include "tls_policy/mta_sts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "tls_policy/detail/fields.h"

namespace gonets::tls_policy {
namespace {

using detail::is_alphanumeric;
using detail::trimmed;

constexpr std::string_view version = "v=STSv1";
constexpr std::size_t domain_bytes_max = 253;

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
}

bool is_host(std::string_view host) {
  if (host.size() > domain_bytes_max) return false;
  for (;;) {
    const auto dot = std::min(host.find('.'), host.size());
    if (!is_label(host.substr(0, dot))) return false;
    if (dot == host.size()) return true;
    host.remove_prefix(dot + 1);
  }
}

std::optional<sts_mode> parse_mode(std::string_view text) {
  for (const auto m : {sts_mode::none, sts_mode::testing, sts_mode::enforce}) {
    if (to_text(m) == text) return m;
  }
  return std::nullopt;
}

// 1*10(DIGIT). More than the RFC's maximum is taken for the maximum: the owner's intent is clear.
std::optional<std::chrono::seconds> parse_age(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool digits = !text.empty() && text.size() <= 10 && text.front() != '-';
  if (!digits || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::min(std::chrono::seconds(seconds), sts_age_max);
}

std::vector<std::string> lines_of(const sts_policy& policy) {
  std::vector<std::string> all{"version: STSv1", fmt::format("mode: {}", to_text(policy.mode))};
  for (const auto& pattern : policy.mx)
    all.push_back("mx: " + pattern);
  all.push_back(fmt::format("max_age: {}", policy.max_age.count()));
  return all;
}

struct policy_reader {
  std::optional<bool> version;
  std::optional<sts_mode> mode;
  std::optional<std::chrono::seconds> max_age;
  std::vector<std::string> mx;

  // An empty text: all is well.
  std::string take(std::string_view key, std::string_view value) {
    if (key == "version") {
      if (!version) version = value == "STSv1";
    } else if (key == "mode") {
      if (mode) return {};
      mode = parse_mode(value);
      if (!mode) return "mode is not enforce, testing or none";
    } else if (key == "max_age") {
      if (max_age) return {};
      max_age = parse_age(value);
      if (!max_age) return "max_age is not a number of seconds";
    } else if (key == "mx") {
      if (mx.size() >= sts_patterns_max) return fmt::format("more than {} mx fields", sts_patterns_max);
      const auto host = value.starts_with("*.") ? value.substr(2) : value;
      if (!is_host(host)) return "an mx field is no host name, nor a wildcard of one";
      mx.push_back(to_lower(value));
    }
    return {};
  }

  std::expected<sts_policy, std::string> finish() {
    if (!version.value_or(false)) return std::unexpected("version is not STSv1");
    if (!mode) return std::unexpected("mode is missing");
    if (!max_age) return std::unexpected("max_age is missing");
    if (mx.empty() && *mode != sts_mode::none) return std::unexpected("no mx field");
    sts_policy policy;
    policy.mode = *mode;
    policy.max_age = *max_age;
    policy.mx = std::move(mx);
    policy.lines = lines_of(policy);
    return policy;
  }
};

bool is_text(std::string_view line) {
  return std::ranges::none_of(line,
                              [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f; });
}

}  // namespace

std::optional<std::string> sts_record_id(const std::vector<std::string>& records) {
  const auto record = detail::only_record(records, version);
  const auto fields = record ? detail::record_fields(*record, version) : std::nullopt;
  if (!fields) return std::nullopt;
  for (const auto& [name, value] : *fields) {
    if (name != "id") continue;
    if (value.size() > 32 || !std::ranges::all_of(value, is_alphanumeric)) return std::nullopt;
    return std::string(value);
  }
  return std::nullopt;
}

std::string_view to_text(sts_mode m) {
  switch (m) {
    case sts_mode::none:
      return "none";
    case sts_mode::testing:
      return "testing";
    case sts_mode::enforce:
      return "enforce";
  }
  return "?";
}

std::expected<sts_policy, std::string> parse_sts_policy(std::string_view text) {
  if (text.size() > sts_policy_bytes_max) return std::unexpected("the policy is too large");
  policy_reader reader;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!is_text(line)) return std::unexpected("a line has control characters");
    if (trimmed(line).empty()) continue;
    const auto colon = line.find(':');
    if (colon == line.npos || !detail::is_field_name(line.substr(0, colon))) {
      return std::unexpected("a line is not \"name: value\"");
    }
    if (auto wrong = reader.take(line.substr(0, colon), trimmed(line.substr(colon + 1))); !wrong.empty()) {
      return std::unexpected(std::move(wrong));
    }
  }
  return reader.finish();
}

}  // namespace gonets::tls_policy
