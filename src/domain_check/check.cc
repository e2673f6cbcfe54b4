#include "domain_check/check.h"

#include <algorithm>

namespace gonets::domain_check {

std::string_view to_text(status s) {
  switch (s) {
    case status::ok:
      return "ok";
    case status::info:
      return "info";
    case status::unknown:
      return "unknown";
    case status::warning:
      return "warning";
    case status::failed:
      return "failed";
  }
  return "";
}

std::string_view to_text(compliance c) {
  return c == compliance::met ? "met" : c == compliance::not_met ? "not_met" : "unknown";
}

bool report::good() const {
  return std::ranges::none_of(findings, [](const auto& f) { return f.result == status::failed; });
}

status report::worst(std::string_view check) const {
  bool any = false;
  auto found = status::ok;
  for (const auto& f : findings) {
    if (f.check != check) continue;
    any = true;
    found = std::max(found, f.result);
  }
  return any ? found : status::unknown;
}

void detail::examination::add(std::string check, status s, std::string text, std::string advice, std::string about) {
  result.findings.push_back({std::move(check), std::move(about), s, std::move(text), std::move(advice)});
}

report examine(const subject& of, const platform& on, facts& dns) {
  detail::examination e{of, on, dns, {}, find_dmarc(dns, of.name)};
  detail::check_ownership(e);
  detail::check_dkim(e);
  detail::check_spf(e);
  detail::check_dmarc(e);
  detail::check_alignment(e);
  detail::check_return_path(e);
  detail::check_tracking(e);
  detail::check_egresses(e);
  detail::check_mail_exchanger(e);
  detail::check_extras(e);
  detail::judge_by_providers(e);
  return std::move(e.result);
}

}  // namespace gonets::domain_check
