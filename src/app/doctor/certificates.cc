// Certificates: how long they last, whether the key is theirs, for which names, and whether the running server shows
// them.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "app/doctor/doctor.h"
#include "base/text.h"
#include "config/load.h"
#include "tls_policy/certificate.h"

namespace gonets::app::doctor {
namespace {

constexpr std::chrono::days soon{14};  // tools renew 30 days before the end
constexpr std::string_view expiry_metric = "gonets_tls_certificate_expiry_timestamp_seconds";

// Of the certificate that the running server has read from `file`, as its metrics tell; nothing when it has not.
std::optional<wall_time> shown_until(std::string_view metrics, const std::string& file) {
  const auto label = fmt::format("file=\"{}\"", file);
  for (std::size_t at = 0; at < metrics.size();) {
    const auto end = std::min(metrics.find('\n', at), metrics.size());
    const auto line = metrics.substr(at, end - at);
    at = end + 1;
    const auto space = line.rfind(' ');
    if (!line.starts_with(expiry_metric) || line.find(label) == line.npos || space == line.npos) continue;
    double seconds = 0;
    const auto number = line.substr(space + 1);
    const auto read = std::from_chars(number.data(), number.data() + number.size(), seconds);
    if (read.ec != std::errc() || !std::isfinite(seconds)) return std::nullopt;
    return wall_time(std::chrono::seconds(std::llround(seconds)));
  }
  return std::nullopt;
}

bool covers(const std::vector<std::string>& names, const std::string& host) {
  const auto dot = host.find('.');
  const auto wildcard = dot == host.npos ? std::string() : "*" + host.substr(dot);
  return std::ranges::any_of(names, [&](const std::string& n) { return n == host || n == wildcard; });
}

void tell_of_one(const surroundings& around, const config::certificate& files, std::string_view metrics, report& to,
                 std::vector<std::string>& names) {
  const auto chain = config::read_file(files.certificate_file);
  const auto key = config::read_file(files.key_file);
  if (!chain || !key) {
    return to.failed(
        fmt::format("{}: {}", chain ? files.key_file : files.certificate_file, chain ? key.error() : chain.error()),
        "the server's user must be able to read it");
  }
  const auto facts = tls_policy::read_certificate(*chain);
  if (!facts)
    return to.failed(fmt::format("{}: {}", files.certificate_file, facts.error()), "write a chain in PEM there");
  if (const auto wrong = tls_policy::key_mismatch(*chain, *key); !wrong.empty()) {
    return to.failed(fmt::format("{}: {}", files.key_file, wrong), "give the key that the certificate was made for");
  }
  std::ranges::copy(facts->names, std::back_inserter(names));
  const auto days = std::chrono::floor<std::chrono::days>(facts->not_after - around.now).count();
  const auto text = fmt::format("{}: {} days left, until {:%F} ({})", facts->name(), std::max<long>(days, 0),
                                facts->not_after, files.certificate_file);
  if (days < 0) return to.failed(text, "renew it, then reload: kill -HUP, or systemctl reload gonets");
  const auto shown = shown_until(metrics, files.certificate_file);
  if (shown && *shown != facts->not_after) {
    return to.warning(fmt::format("{}: the server still shows the one that ends on {:%F}", facts->name(), *shown),
                      "reload the server: kill -HUP, or systemctl reload gonets");
  }
  if (facts->not_after - around.now < soon) return to.warning(text, "see why it was not renewed");
  if (facts->not_before > around.now) {
    return to.warning(fmt::format("{}: valid from {:%F} on only", facts->name(), facts->not_before),
                      "see whether the machine's clock is right");
  }
  to.ok(text);
}

}  // namespace

void examine_certificates(const surroundings& around, report& to) {
  const auto metrics = around.running ? around.ask("/metrics").value_or("") : std::string();
  std::set<std::string> told;
  bool made_here = false;
  for (const auto& l : around.with.listeners) {
    std::vector<std::string> names;
    const auto files = around.with.certificates_of(l);
    for (const auto& c : files) {
      report again;  // told already, looked at once more for its names
      const bool fresh = told.insert(c.certificate_file + '\n' + c.key_file).second;
      tell_of_one(around, c, metrics, fresh ? to : again, names);
      made_here |= c.certificate_file == around.with.self_signed_files().certificate_file;
    }
    if (names.empty() || covers(names, to_lower(around.with.server.hostname))) continue;
    if (told.insert("name").second) {
      to.warning(fmt::format("no certificate bears server.hostname, {}", around.with.server.hostname),
                 "clients that verify the name will not send: get one for it");
    }
  }
  if (made_here) {
    to.warning("self-signed: no client has a reason to trust it", "for production, get one: docs/operating.md");
  }
  if (told.empty() && !around.with.listeners.empty()) {
    to.warning("there is none: mail comes in unencrypted", "add a [[certificate]]: docs/operating.md");
  }
}

}  // namespace gonets::app::doctor
