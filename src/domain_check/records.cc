#include "domain_check/records.h"

#include <fmt/format.h>

#include "base/network.h"
#include "domain_check/public_suffix.h"

namespace gonets::domain_check {
namespace {

constexpr std::size_t string_bytes_max = 255;  // RFC 1035 3.3
constexpr unsigned ttl_seconds = 3600;
constexpr std::string_view dmarc_consent = "v=DMARC1";

std::string quoted(std::string_view text) {
  std::string to;
  do {
    const auto part = text.substr(0, string_bytes_max);
    text.remove_prefix(part.size());
    to += to.empty() ? "\"" : " \"";
    for (const char c : part) {
      if (c == '"' || c == '\\') to += '\\';
      to += c;
    }
    to += '"';
  } while (!text.empty());
  return to;
}

}  // namespace

std::string spf_record_for(const platform& on) {
  if (!on.spf.empty()) return fmt::format("v=spf1 {} ~all", on.spf);
  std::string record = "v=spf1";
  for (const auto& e : on.egresses) {
    const auto address = parse_address(e.address);
    if (address) record += fmt::format(" {}:{}", is_ipv4(*address) ? "ip4" : "ip6", e.address);
  }
  if (on.egresses.empty()) record += fmt::format(" a:{}", on.hostname);
  return record + " ~all";
}

std::string dmarc_consent_name(std::string_view domain, std::string_view reports_address) {
  const auto host = reports_address.substr(reports_address.rfind('@') + 1);
  if (host.empty() || organizational_domain(host) == organizational_domain(domain)) return {};
  return fmt::format("{}._report._dmarc.{}", domain, host);
}

std::vector<dns_record> records_for(const subject& of, const platform& on) {
  std::vector<dns_record> all;
  all.push_back({"ownership", "_gonets." + of.name, "TXT", of.proof});
  all.push_back({"spf", of.name, "TXT", spf_record_for(on)});
  for (const auto& key : of.keys)
    all.push_back({"dkim", fmt::format("{}._domainkey.{}", key.selector, of.name), "TXT", key.record});
  all.push_back({"dmarc", "_dmarc." + of.name, "TXT",
                 "v=DMARC1; p=none" + (on.dmarc_reports.empty() ? "" : "; rua=mailto:" + on.dmarc_reports)});
  if (auto name = dmarc_consent_name(of.name, on.dmarc_reports); !on.dmarc_reports.empty() && !name.empty())
    all.push_back({"dmarc_reports", std::move(name), "TXT", std::string(dmarc_consent), true});
  if (!on.tls_reports.empty())
    all.push_back({"tls_reports", "_smtp._tls." + of.name, "TXT", "v=TLSRPTv1; rua=mailto:" + on.tls_reports});
  if (!of.return_path.empty() && !on.return_path_host.empty()) {
    all.push_back({"return_path", of.return_path, "CNAME", on.return_path_host + "."});
  } else if (!of.return_path.empty()) {
    all.push_back({"return_path", of.return_path, "MX", fmt::format("10 {}.", on.hostname)});
    all.push_back({"return_path", of.return_path, "TXT", spf_record_for(on)});
  }
  if (!of.tracking.empty() && !on.tracking_host.empty())
    all.push_back({"tracking", of.tracking, "CNAME", on.tracking_host + "."});
  return all;
}

std::string zone_fragment(const std::vector<dns_record>& records) {
  std::string to;
  for (const auto& r : records) {
    if (r.elsewhere) to += "; in another zone: ";
    to += fmt::format("{}. {} IN {} {}\n", r.name, ttl_seconds, r.type, r.type == "TXT" ? quoted(r.value) : r.value);
  }
  return to;
}

}  // namespace gonets::domain_check
