// /v1/tls-policies and /v1/tls-reports.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "base/text.h"
#include "httpd/detail/members.h"
#include "httpd/detail/route.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;
using std::chrono::sys_days;

constexpr std::size_t domain_bytes_max = 253;

json::array texts(const std::vector<std::string>& from) {
  json::array all;
  for (const auto& each : from)
    all.emplace_back(each);
  return all;
}

json::object sts_object(const sts_answer& s) {
  json::object o{{"state", s.state}};
  if (s.state == "in_force") {
    o["mode"] = s.mode;
    o["id"] = s.id;
    o["mx"] = texts(s.mx);
    o["max_age_seconds"] = s.max_age.count();
  }
  add_time(o, "fetched", s.fetched);
  add_time(o, "expires", s.expires);
  add_time(o, "looked_up_again", s.check_at);
  add_text(o, "trouble", s.trouble);
  return o;
}

std::string to_json(const tls_policy_answer& a) {
  json::object o{{"domain", a.domain}, {"route", a.route}};
  if (a.route == "mx") {
    o["level"] = a.level;
    o["mx_secure"] = a.mx_secure;
    o["mta_sts"] = sts_object(a.sts);
    json::array hosts;
    for (const auto& h : a.hosts) {
      json::object host{{"name", h.name}, {"policy", h.policy}, {"tlsa", h.tlsa}, {"sts_allows", h.sts_allows}};
      if (!h.records.empty()) host["tlsa_records"] = texts(h.records);
      hosts.push_back(std::move(host));
    }
    o["hosts"] = std::move(hosts);
    add_text(o, "trouble", a.trouble);
  }
  return json::serialize(o);
}

json::object row_object(const tls_report_row& r) {
  json::object o{{"domain", r.domain},
                 {"day", fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::to_time_t(r.day)))},
                 {"state", r.state},
                 {"successful_sessions", r.successes},
                 {"failed_sessions", r.failures}};
  if (r.state == "pending") add_time(o, "due", r.due);
  if (!r.sent.empty()) o["sent_to"] = texts(r.sent);
  add_text(o, "trouble", r.detail);
  return o;
}

json::array row_array(const std::vector<tls_report_row>& rows) {
  json::array all;
  for (const auto& each : rows)
    all.push_back(row_object(each));
  return all;
}

// "2026-11-25"; nothing when absent.
or_refusal<std::optional<sys_days>> day_parameter(const parameters& query) {
  const auto text = parameter(query, "day");
  if (text.empty()) return std::nullopt;
  const auto number = [&](std::size_t from, std::size_t length) {
    int value = -1;
    const auto* const end = text.data() + from + length;
    const auto read = std::from_chars(text.data() + from, end, value);
    return read.ptr == end && read.ec == std::errc{} ? value : -1;
  };
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
    const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                          std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                          std::chrono::day(static_cast<unsigned>(number(8, 2)))};
    if (number(0, 4) >= 1970 && day.ok()) return sys_days(day);
  }
  return std::unexpected(error_response(400, "invalid_parameter", fmt::format("day: \"{}\" is not a day", text),
                                        "such as day=2026-11-25"));
}

or_refusal<sys_days> required_day(const parameters& query) {
  const auto day = day_parameter(query);
  if (!day) return std::unexpected(day.error());
  if (!*day) return std::unexpected(error_response(400, "invalid_parameter", "day: missing", "such as day=2026-11-25"));
  return **day;
}

or_refusal<std::string> checked_domain(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  auto domain = to_lower(text);
  if (!domain.empty() && domain.size() <= domain_bytes_max && std::ranges::all_of(domain, allowed)) return domain;
  return std::unexpected(error_response(400, "invalid_parameter", fmt::format("\"{}\" is not a domain", text)));
}

response unavailable(std::string_view why) {
  return error_response(503, "database_unavailable", fmt::format("the reports' database can't be asked: {}", why),
                        "try again later");
}

void policy_of(const call& c, on_response done) {
  auto checked = checked_domain(c.id);
  if (!checked) return done(std::move(checked.error()));
  const auto refresh = number_parameter(c.query, "refresh", 0, 0, 1);
  if (!refresh) return done(refresh.error());
  c.ask.tls().tls_policy_of(
      std::move(*checked), *refresh == 1,
      [done = std::move(done)](const tls_policy_answer& a) mutable { done(json_response(to_json(a))); });
}

void reports(const call& c, on_response done) {
  const auto day = day_parameter(c.query);
  if (!day) return done(day.error());
  const auto max = number_parameter(c.query, "max", rows_usual, 1, rows_max);
  if (!max) return done(max.error());
  c.ask.tls().tls_reports(*day, *max, [done = std::move(done)](const auto& rows) mutable {
    if (!rows) return done(unavailable(rows.error()));
    done(object_response(json::object{{"reports", row_array(*rows)}}));
  });
}

void report_of(const call& c, on_response done) {
  auto checked = checked_domain(c.id);
  if (!checked) return done(std::move(checked.error()));
  const auto day = required_day(c.query);
  if (!day) return done(day.error());
  c.ask.tls().tls_report_of(*checked, *day, [done = std::move(done), domain = *checked](const auto& found) mutable {
    if (!found) return done(unavailable(found.error()));
    if (!found->report) {
      return done(error_response(404, "not_found", fmt::format("nothing was collected of {} on that day", domain),
                                 "`gonets tls-report list` shows what there is"));
    }
    json::error_code error;
    auto report = json::parse(*found->report, error);
    done(json_response(
        json::serialize(json::object{{"reports", row_array(found->days)}, {"report", std::move(report)}})));
  });
}

void send(const call& c, on_response done) {
  const auto day = required_day(c.query);
  if (!day) return done(day.error());
  std::string domain;
  if (const auto given = parameter(c.query, "domain"); !given.empty()) {
    auto checked = checked_domain(given);
    if (!checked) return done(std::move(checked.error()));
    domain = std::move(*checked);
  }
  c.ask.tls().send_tls_reports(std::move(domain), *day, [done = std::move(done)](const auto& sent) mutable {
    if (!sent) return done(unavailable(sent.error()));
    if (!*sent) return done(error_response(409, "disabled", "TLS reports are switched off", "set tls_report.enabled"));
    done(object_response(json::object{{"sending", **sent}}));
  });
}

}  // namespace

std::vector<route> tls_routes() {
  return {
      {"GET", "/v1/tls-policies/{domain}", policy_of, {"refresh"}},
      {"GET", "/v1/tls-reports", reports, {"day", "max"}},
      {"POST", "/v1/tls-reports/send", send, {"day", "domain"}},
      {"GET", "/v1/tls-reports/{domain}", report_of, {"day"}},
  };
}

}  // namespace gonets::httpd::detail
