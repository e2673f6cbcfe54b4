// /v1/domain-reports: what others report of sender domains.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "httpd/detail/members.h"
#include "httpd/detail/route.h"
#include "runtime/dns_name.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;

constexpr std::chrono::milliseconds reports_since_usual = std::chrono::days(7);

json::object object_of(const feedback::reported_domain& d) {
  return {{"domain", d.domain}, {"reports", d.reports}, {"messages", d.messages}, {"aligned", d.aligned}};
}

json::object object_of(const feedback::reported_source& s) {
  json::object o{{"domain", s.domain}, {"source", s.source}, {"messages", s.messages}, {"disposition", s.disposition},
                 {"dkim", s.dkim},     {"spf", s.spf},       {"reporter", s.reporter}};
  add_time(o, "latest", s.latest);
  return o;
}

json::object object_of(const feedback::reported_sessions& s) {
  json::object o{{"domain", s.domain},
                 {"policy", s.policy},
                 {"result", s.result},
                 {"sessions", s.sessions},
                 {"reporter", s.reporter}};
  add_text(o, "mx_host", s.mx_host);
  add_time(o, "latest", s.latest);
  return o;
}

template <class Row>
json::array array_of(const std::vector<Row>& rows) {
  json::array all;
  for (const auto& row : rows)
    all.push_back(object_of(row));
  return all;
}

void show_reports(const call& c, on_response done) {
  report_search wanted;
  if (const auto name = parameter(c.query, "domain"); !name.empty()) {
    const auto ascii = runtime::to_a_labels(name);
    if (!ascii) return done(error_response(400, "invalid_parameter", fmt::format("\"{}\" is not a domain", name)));
    wanted.domain = *ascii;
  }
  const auto since = age_parameter(c.query, "since");
  if (!since) return done(since.error());
  wanted.since = since->value_or(reports_since_usual);
  const auto max = number_parameter(c.query, "max", rows_usual, 1, rows_max);
  if (!max) return done(max.error());
  wanted.max = *max;
  using answer = std::expected<report_answer, response>;
  c.ask.operating().domain_reports(std::move(wanted), [done = std::move(done)](answer got) mutable {
    if (!got) return done(std::move(got.error()));
    const auto& found = got->found;
    done(object_response(json::object{{"since", time_text(got->since)},
                                      {"domains", array_of(found.domains)},
                                      {"dmarc", array_of(found.sources)},
                                      {"tls", array_of(found.sessions)}}));
  });
}

}  // namespace

std::vector<route> domain_report_routes() {
  return {{"GET", "/v1/domain-reports", show_reports, {"domain", "since", "max"}}};
}

}  // namespace gonets::httpd::detail
