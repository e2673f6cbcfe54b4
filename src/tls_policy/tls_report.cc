#include "tls_policy/tls_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "tls_policy/detail/fields.h"

namespace gonets::tls_policy {
namespace {

constexpr std::string_view version = "v=TLSRPTv1";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Percent-encoding undone (RFC 3986 2.1); nothing when it is wrong, or hides what an address must not have.
std::optional<std::string> unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == ',' || c == '"') return std::nullopt;
    plain += c;
  }
  return plain;
}

bool begins_with(std::string_view text, std::string_view scheme) {
  return text.size() > scheme.size() && to_lower(text.substr(0, scheme.size())) == scheme;
}

std::optional<report_uri> parse_uri(std::string_view text) {
  // None of these is a URI's (RFC 3986 2).
  if (text.find_first_of(" \t<>\"\\^`{|}") != text.npos) return std::nullopt;
  if (begins_with(text, "https://")) return report_uri{report_uri::scheme::https, std::string(text)};
  if (!begins_with(text, "mailto:")) return std::nullopt;
  // What follows '?' would set fields of the mail: they are ours to set.
  auto address = unescaped(text.substr(7, text.find('?') == text.npos ? text.npos : text.find('?') - 7));
  if (!address) return std::nullopt;
  const auto at = address->rfind('@');
  if (at == address->npos || at == 0 || at + 1 == address->size()) return std::nullopt;
  return report_uri{report_uri::scheme::mailto, std::move(*address)};
}

boost::json::array texts(const std::vector<std::string>& from) {
  boost::json::array all;
  for (const auto& text : from)
    all.emplace_back(text);
  return all;
}

boost::json::object failure_json(const report_failure& f) {
  boost::json::object o;
  o["result-type"] = to_text(f.what);
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) o[name] = value;
  };
  add("sending-mta-ip", f.sending_ip);
  add("receiving-mx-hostname", f.receiving_host);
  add("receiving-ip", f.receiving_ip);
  o["failed-session-count"] = f.sessions;
  add("failure-reason-code", f.reason);
  return o;
}

boost::json::object policy_json(const policy_results& p, const std::string& domain) {
  boost::json::object policy;
  policy["policy-type"] = to_text(p.kind);
  if (!p.lines.empty()) policy["policy-string"] = texts(p.lines);
  policy["policy-domain"] = domain;
  if (!p.mx_hosts.empty()) policy["mx-host"] = texts(p.mx_hosts);
  std::uint64_t failed = 0;
  boost::json::array details;
  for (const auto& f : p.failures) {
    failed += f.sessions;
    details.push_back(failure_json(f));
  }
  boost::json::object o;
  o["policy"] = std::move(policy);
  o["summary"] = {{"total-successful-session-count", p.successes}, {"total-failure-session-count", failed}};
  if (!details.empty()) o["failure-details"] = std::move(details);
  return o;
}

}  // namespace

std::vector<report_uri> report_uris(const std::vector<std::string>& records) {
  const auto record = detail::only_record(records, version);
  const auto fields = record ? detail::record_fields(*record, version) : std::nullopt;
  if (!fields) return {};
  const auto rua = std::ranges::find(*fields, std::string_view("rua"), [](const auto& f) { return f.first; });
  if (rua == fields->end()) return {};
  std::vector<report_uri> all;
  auto rest = rua->second;
  for (bool more = true; more && all.size() < report_uris_max;) {
    const auto comma = rest.find(',');
    more = comma != rest.npos;
    auto uri = parse_uri(detail::trimmed(rest.substr(0, comma)));
    if (uri && std::ranges::find(all, *uri) == all.end()) all.push_back(std::move(*uri));
    if (more) rest.remove_prefix(comma + 1);
  }
  return all;
}

std::optional<tls_result> parse_tls_result(std::string_view text) {
  for (auto r = tls_result::success; r <= tls_result::sts_webpki_invalid;
       r = static_cast<tls_result>(static_cast<int>(r) + 1)) {
    if (to_text(r) == text) return r;
  }
  return std::nullopt;
}

std::optional<reported_policy> parse_reported_policy(std::string_view text) {
  for (const auto p : {reported_policy::no_policy_found, reported_policy::tlsa, reported_policy::sts}) {
    if (to_text(p) == text) return p;
  }
  return std::nullopt;
}

std::string report_json(const report& r) {
  boost::json::object o;
  o["organization-name"] = r.organization;
  o["date-range"] = {{"start-datetime", fmt::format("{:%Y-%m-%d}T00:00:00Z", r.day)},
                     {"end-datetime", fmt::format("{:%Y-%m-%d}T23:59:59Z", r.day)}};
  o["contact-info"] = r.contact;
  o["report-id"] = r.id;
  boost::json::array policies;
  for (const auto& p : r.policies)
    policies.push_back(policy_json(p, r.domain));
  o["policies"] = std::move(policies);
  return boost::json::serialize(o);
}

std::string report_file_name(const report& r) {
  const auto begin = std::chrono::sys_seconds(r.day).time_since_epoch().count();
  return fmt::format("{}!{}!{}!{}!{}.json.gz", r.submitter, r.domain, begin, begin + 86'399, r.id);
}

}  // namespace gonets::tls_policy
