#include "smtpd/certificates.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <limits>

#include "base/log.h"
#include "config/load.h"
#include "tls_policy/certificate.h"

namespace gonets::smtpd {
namespace {

// Let's Encrypt renews 30 days before the end: with less than this, renewal or its reload has failed for a while.
constexpr std::chrono::days expires_soon{14};

}  // namespace

runtime::tls_context_ptr certificates::context_for(const config::settings& with, const config::listener& of) {
  const auto files = with.certificates_of(of);
  if (files.empty()) return nullptr;
  runtime::server_tls_options o;
  o.ask_client_certificate = of.client_certificates;
  std::string key = o.ask_client_certificate ? "ask" : "";
  for (const auto& c : files) {
    o.certificates.push_back({c.certificate_file, c.key_file});
    key += '\n' + c.certificate_file + '\n' + c.key_file;
  }
  auto& made = contexts_[key];
  if (!made) made = runtime::make_server_tls(o);
  return made;
}

void certificates::watch(const config::settings& with) {
  std::set<std::string> files;
  for (const auto& l : with.listeners) {
    for (const auto& c : with.certificates_of(l))
      files.insert(c.certificate_file);
  }
  const std::lock_guard lock(mutex_);
  watched_ = std::move(files);
}

std::vector<std::string> certificates::review(wall_time now) {
  const std::lock_guard reviewing(mutex_);
  std::vector<std::string> ending;
  std::map<std::string, double> fresh;
  for (const auto& file : watched_) {
    const auto pem = config::read_file(file);
    const auto facts = pem ? tls_policy::read_certificate(*pem) : std::unexpected(pem.error());
    if (!facts) continue;  // said by the check, or by who makes the context
    using seconds = std::chrono::duration<double>;
    fresh[file] = std::chrono::duration_cast<seconds>(facts->not_after.time_since_epoch()).count();
    if (facts->not_after - now < expires_soon) {
      const auto when = fmt::format("{:%FT%TZ}", std::chrono::floor<std::chrono::seconds>(facts->not_after));
      GONETS_LOG(warning, "certificate_expires", "file", file, "name", facts->name(), "not_after", when);
      ending.push_back(fmt::format("the certificate of {} in {} {} {}", facts->name(), file,
                                   facts->not_after <= now ? "has expired, on" : "expires on", when));
    }
    // One that is no longer used stays as NaN: a gauge can't be taken back, and any number would raise an alarm.
    counts_.make_callback_gauge(
        "gonets_tls_certificate_expiry_timestamp_seconds", "When a certificate of the listeners expires.",
        [from = expiries_, file] {
          const std::lock_guard lock(from->mutex);
          const auto at = from->by_file.find(file);
          return at == from->by_file.end() ? std::numeric_limits<double>::quiet_NaN() : at->second;
        },
        {{"file", file}, {"name", facts->name()}});
  }
  const std::lock_guard lock(expiries_->mutex);
  expiries_->by_file = std::move(fresh);
  return ending;
}

}  // namespace gonets::smtpd
