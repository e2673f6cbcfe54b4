#include "config/settings.h"

#include <algorithm>

namespace gonets::config {

std::vector<stream> default_streams() {
  return {{"transactional", 0, shaping::default_retry_policy()},
          {"bulk", 1, shaping::bulk_retry_policy(), {}, true, true}};
}

const stream& settings::stream_named(const std::string& name) const {
  const auto found = std::find_if(streams.begin(), streams.end(), [&](const stream& s) { return s.name == name; });
  return found == streams.end() ? streams.front() : *found;
}

certificate settings::self_signed_files() const {
  return {spool.path + "/tls/self-signed.pem", spool.path + "/tls/self-signed.key"};
}

std::vector<certificate> settings::certificates_of(const listener& of) const {
  if (!of.tls_certificate.empty()) return {{of.tls_certificate, of.tls_key}};
  if (!certificates.empty()) return certificates;
  return tls.self_signed ? std::vector{self_signed_files()} : std::vector<certificate>();
}

}  // namespace gonets::config
