#include <fmt/format.h>

#include <boost/json.hpp>

#include "aggregate/detail/values.h"
#include "aggregate/read_report.h"

namespace gonets::aggregate {
namespace {
namespace json = boost::json;

constexpr std::size_t name_bytes_max = 200;

const json::value* member(const json::value& of, std::string_view name) {
  return of.is_object() ? of.get_object().if_contains(name) : nullptr;
}

std::string_view text_of(const json::value& of, std::string_view name) {
  const auto* found = member(of, name);
  return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

// Some write numbers as texts.
std::uint64_t count_of(const json::value& of, std::string_view name, std::uint64_t max) {
  const auto* found = member(of, name);
  if (found == nullptr) return 0;
  if (found->is_uint64()) return std::min(found->get_uint64(), max);
  if (found->is_int64())
    return std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(found->get_int64(), 0)), max);
  return detail::count_of(text_of(of, name), max).value_or(0);
}

// "2026-11-25T00:00:00Z", RFC 3339; what is behind the seconds (a part of one, another zone) matters little here.
wall_time time_of(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t count) {
    return text.size() < at + count ? std::nullopt : detail::count_of(text.substr(at, count), 9999);
  };
  const auto year = number(0, 4), month = number(5, 2), day = number(8, 2);
  if (!year || !month || !day) return {};
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  const auto hour = number(11, 2).value_or(0), minute = number(14, 2).value_or(0), second = number(17, 2).value_or(0);
  if (!date.ok() || hour > 24 || minute > 59 || second > 60) return {};
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

// Whatever shape it has: a policy is about one domain, and has a row for what went well and one for each kind of
// failure.
class policies_reader {
 public:
  policies_reader(tls_report& to, const report_limits& limits) : to_(to), limits_(limits) {}

  void read(const json::value& each) {
    const auto* policy = member(each, "policy");
    const auto* summary = member(each, "summary");
    if (policy == nullptr) return;
    tls_row row;
    row.domain = detail::domain_of(text_of(*policy, "policy-domain"));
    row.policy = detail::word_of(text_of(*policy, "policy-type"));
    if (row.domain.empty()) return;
    if (summary != nullptr) {
      row.result = "success";
      row.sessions = count_of(*summary, "total-successful-session-count", limits_.count_max);
      add(row);
    }
    auto failures = summary == nullptr ? 0 : count_of(*summary, "total-failure-session-count", limits_.count_max);
    if (const auto* details = member(each, "failure-details"); details != nullptr && details->is_array()) {
      for (const auto& failure : details->get_array())
        failures -= std::min(failures, add_failure(row, failure));
    }
    row.result = "unspecified";  // failures that only the summary counts
    row.sessions = failures;
    add(std::move(row));
  }

 private:
  std::uint64_t add_failure(tls_row row, const json::value& failure) {
    row.result = detail::word_of(text_of(failure, "result-type"));
    if (row.result.empty() || row.result == "success") return 0;
    row.mx_host = detail::domain_of(text_of(failure, "receiving-mx-hostname"));
    row.sending_ip = detail::address_of(text_of(failure, "sending-mta-ip"));
    row.receiving_ip = detail::address_of(text_of(failure, "receiving-ip"));
    row.reason = detail::line_of(text_of(failure, "failure-reason-code"), name_bytes_max);
    row.sessions = count_of(failure, "failed-session-count", limits_.count_max);
    const auto sessions = row.sessions;
    add(std::move(row));
    return sessions;
  }

  void add(tls_row row) {
    if (row.sessions > 0 && to_.rows.size() <= limits_.rows_max) to_.rows.push_back(std::move(row));
  }

  tls_report& to_;
  const report_limits& limits_;
};

}  // namespace

std::expected<tls_report, std::string> read_tls_report(std::string_view text, const report_limits& limits) {
  if (text.size() > limits.json_bytes_max)
    return std::unexpected(fmt::format("the JSON has more than {} bytes", limits.json_bytes_max));
  json::parse_options options;
  options.max_depth = limits.depth_max;
  json::error_code error;
  const auto value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return std::unexpected("the JSON can't be read: " + error.message());
  const auto* policies = member(value, "policies");
  if (policies == nullptr || !policies->is_array())
    return std::unexpected("the JSON is no TLS report: it has no policies");
  tls_report found;
  found.head.reporter = detail::line_of(text_of(value, "organization-name"), name_bytes_max);
  found.head.id = detail::line_of(text_of(value, "report-id"), name_bytes_max);
  if (const auto* range = member(value, "date-range")) {
    found.head.begin = time_of(text_of(*range, "start-datetime"));
    found.head.end = time_of(text_of(*range, "end-datetime"));
  }
  policies_reader reader(found, limits);
  for (const auto& each : policies->get_array())
    reader.read(each);
  if (found.head.reporter.empty() || found.head.id.empty())
    return std::unexpected("the report does not say whose it is, or has no report-id");
  if (found.rows.size() > limits.rows_max)
    return std::unexpected(fmt::format("it has more than {} rows", limits.rows_max));
  if (found.rows.empty()) return std::unexpected("the report counts no session of any domain");
  return found;
}

}  // namespace gonets::aggregate
