#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

void print_sts(const json::object& sts, const context& with) {
  const auto state = text_of(sts, "state");
  if (state == "in_force") {
    with.out << printable(fmt::format("MTA-STS:  {}, id {}, fetched {}, expires {}, mx {}", text_of(sts, "mode"),
                                      text_of(sts, "id"), relative_of(sts, "fetched", with.now()),
                                      relative_of(sts, "expires", with.now()), joined(array_of(sts, "mx"))))
             << '\n';
  } else {
    with.out << "MTA-STS:  "
             << (state == "off"       ? "switched off"
                 : state == "unknown" ? "not looked up yet; --refresh does"
                                      : "no policy")
             << '\n';
  }
  if (const auto trouble = text_of(sts, "trouble"); !trouble.empty()) {
    with.out << "          last trouble: " << printable(trouble) << '\n';
  }
}

void print_policy(const json::object& o, const context& with) {
  with.out << "Domain:   " << printable(text_of(o, "domain")) << '\n';
  if (text_of(o, "route") != "mx") {
    with.out << "Route:    " << printable(text_of(o, "route")) << "; no policy of the domain applies\n";
    return;
  }
  with.out << "Level:    " << printable(text_of(o, "level")) << " (configured)\n";
  print_sts(object_of(o, "mta_sts"), with);
  with.out << "DNSSEC:   "
           << (flag_of(o, "mx_secure") ? "the mail hosts are validated" : "the mail hosts are not validated") << '\n';
  if (const auto trouble = text_of(o, "trouble"); !trouble.empty()) {
    with.out << "Hosts:    none: " << printable(trouble) << '\n';
    return;
  }
  table lines({{"HOST", align::left, true}, {"POLICY"}, {"TLSA"}, {"RECORDS", align::left, true}, {"NOTE"}});
  for (const auto& each : array_of(o, "hosts")) {
    const auto& host = as_object(each);
    lines.add({std::string(text_of(host, "name")), std::string(text_of(host, "policy")),
               std::string(text_of(host, "tlsa")), joined(array_of(host, "tlsa_records")),
               std::string(flag_of(host, "sts_allows") ? "" : "not in the MTA-STS policy")});
  }
  with.out << lines.render(with.screen);
}

void print_reports(const json::object& o, const context& with) {
  const auto& rows = array_of(o, "reports");
  if (rows.empty()) {
    with.out << "Nothing is collected; tls_report.enabled switches it on\n";
    return;
  }
  table lines({{"DAY"},
               {"DOMAIN", align::left, true},
               {"STATE"},
               {"DUE"},
               {"GOOD", align::right},
               {"FAILED", align::right},
               {"SENT TO", align::left, true},
               {"TROUBLE", align::left, true}});
  for (const auto& each : rows) {
    const auto& row = as_object(each);
    lines.add({std::string(text_of(row, "day")), std::string(text_of(row, "domain")),
               std::string(text_of(row, "state")), relative_of(row, "due", with.now()),
               std::to_string(number_of(row, "successful_sessions")), std::to_string(number_of(row, "failed_sessions")),
               joined(array_of(row, "sent_to")), std::string(text_of(row, "trouble"))});
  }
  with.out << lines.render(with.screen);
}

void print_tls_report(const json::object& o, const context& with) {
  print_reports(o, with);
  const auto& report = object_of(o, "report");
  for (const auto& each : array_of(report, "policies")) {
    const auto& of = as_object(each);
    const auto& policy = object_of(of, "policy");
    const auto& sums = object_of(of, "summary");
    with.out << '\n'
             << printable(fmt::format("{}: {} good, {} failed", text_of(policy, "policy-type"),
                                      number_of(sums, "total-successful-session-count"),
                                      number_of(sums, "total-failure-session-count")))
             << '\n';
    table lines({{"RESULT"},
                 {"HOST", align::left, true},
                 {"FROM"},
                 {"TO"},
                 {"SESSIONS", align::right},
                 {"REASON", align::left, true}});
    for (const auto& item : array_of(of, "failure-details")) {
      const auto& f = as_object(item);
      lines.add({std::string(text_of(f, "result-type")), std::string(text_of(f, "receiving-mx-hostname")),
                 std::string(text_of(f, "sending-mta-ip")), std::string(text_of(f, "receiving-ip")),
                 std::to_string(number_of(f, "failed-session-count")), std::string(text_of(f, "failure-reason-code"))});
    }
    if (!lines.empty()) with.out << lines.render(with.screen);
  }
}

}  // namespace

int tls_policy_show(const arguments& given, const context& with) {
  target to("/v1/tls-policies/" + percent_encode(given.domain));
  if (given.refresh) to.with("refresh", "1");
  return ask_and_show(given, with, to.text(), [&](const json::object& o) { print_policy(o, with); });
}

int tls_report_list(const arguments& given, const context& with) {
  target to("/v1/tls-reports");
  to.with("day", given.day).with("max", std::to_string(given.max));
  return ask_and_show(given, with, to.text(), [&](const json::object& o) { print_reports(o, with); });
}

int tls_report_show(const arguments& given, const context& with) {
  const auto today = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::to_time_t(with.now())));
  target to("/v1/tls-reports/" + percent_encode(given.domain));
  to.with("day", given.day.empty() ? today : given.day);
  return ask_and_show(given, with, to.text(), [&](const json::object& o) { print_tls_report(o, with); });
}

int tls_report_send(const arguments& given, const context& with) {
  target to("/v1/tls-reports/send");
  to.with("day", given.day).with("domain", given.domain);
  return ask_and_show(given, with, "POST", to.text(), "", [&](const json::object& o) {
    with.out << count(number_of(o, "sending"), "report")
             << " sent now to whoever asks for them; `gonets tls-report list` shows how it went\n";
  });
}

}  // namespace gonets::app::cli
