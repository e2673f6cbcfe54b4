// gonets domain reports: what others report of sender domains.
#include <fmt/format.h>

#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

cell outcome_of(const json::object& o, std::string_view name) {
  const auto word = text_of(o, name);
  return {std::string(word), word == "pass" ? colour::green : word == "fail" ? colour::red : colour::none};
}

void print_reported_domains(const json::array& all, const context& with) {
  table rows({{"DOMAIN", align::left, true},
              {"REPORTS", align::right},
              {"MESSAGES", align::right},
              {"ALIGNED %", align::right}});
  for (const auto& each : all) {
    const auto& d = as_object(each);
    const auto messages = number_of(d, "messages");
    rows.add({std::string(text_of(d, "domain")), std::to_string(number_of(d, "reports")), std::to_string(messages),
              messages == 0 ? "" : fmt::format("{:.1f}", 100.0 * double(number_of(d, "aligned")) / double(messages))});
  }
  with.out << rows.render(with.screen) << '\n';
}

void print_sources(const json::array& all, const context& with) {
  table rows({{"DOMAIN", align::left, true},
              {"SOURCE"},
              {"MESSAGES", align::right},
              {"DISPOSITION"},
              {"DKIM"},
              {"SPF"},
              {"REPORTER", align::left, true},
              {"LATEST", align::right}});
  for (const auto& each : all) {
    const auto& s = as_object(each);
    rows.add({std::string(text_of(s, "domain")), std::string(text_of(s, "source")),
              std::to_string(number_of(s, "messages")), std::string(text_of(s, "disposition")), outcome_of(s, "dkim"),
              outcome_of(s, "spf"), std::string(text_of(s, "reporter")), relative_of(s, "latest", with.now())});
  }
  with.out << rows.render(with.screen);
}

void print_sessions(const json::array& all, const context& with) {
  table rows({{"DOMAIN", align::left, true},
              {"POLICY"},
              {"RESULT"},
              {"HOST", align::left, true},
              {"SESSIONS", align::right},
              {"REPORTER", align::left, true},
              {"LATEST", align::right}});
  for (const auto& each : all) {
    const auto& s = as_object(each);
    const auto result = text_of(s, "result");
    rows.add({std::string(text_of(s, "domain")),
              std::string(text_of(s, "policy")),
              {std::string(result), result == "success" ? colour::green : colour::red},
              std::string(text_of(s, "mx_host")),
              std::to_string(number_of(s, "sessions")),
              std::string(text_of(s, "reporter")),
              relative_of(s, "latest", with.now())});
  }
  with.out << rows.render(with.screen);
}

}  // namespace

int domain_reports(const arguments& given, const context& with) {
  target to("/v1/domain-reports");
  to.with("domain", given.sender_domain).with("since", given.since).with("max", std::to_string(given.max));
  return ask_and_show(given, with, to.text(), [&](const json::object& o) {
    const auto& dmarc = array_of(o, "dmarc");
    const auto& tls = array_of(o, "tls");
    if (dmarc.empty() && tls.empty()) {
      with.out << "Nobody reported anything in that time; docs/feedback.md says how reports come here\n";
      return;
    }
    if (!dmarc.empty()) {
      with.out << "Mail in these domains' names (DMARC):\n\n";
      print_reported_domains(array_of(o, "domains"), with);
      print_sources(dmarc, with);
    }
    if (!dmarc.empty() && !tls.empty()) with.out << '\n';
    if (!tls.empty()) {
      with.out << "Sessions of others that bring these domains their mail (TLS reports):\n\n";
      print_sessions(tls, with);
    }
  });
}

}  // namespace gonets::app::cli
