// The SMTP server: listeners, connection limits, and the sessions on each shard.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "auth/authenticator.h"
#include "config/settings.h"
#include "intake/intake.h"
#include "metrics/metrics.h"
#include "runtime/listener.h"
#include "runtime/shards.h"
#include "smtp/server_session.h"

namespace gonets::smtpd {

class server {
 public:
  // All references must outlive the server.
  server(const config::settings& with, runtime::shards& on, const clock& time, metrics::registry& counts);
  ~server();

  // Throws std::runtime_error when an address can't be bound or a certificate can't be used.
  void bind();
  void start(intake::intake& to, spool::spool& store, auth::authenticator& logins);
  // The directory of accounts has changed; from any thread.
  void recheck_sessions();
  // Limits, trusted networks and certificates of the listeners that exist already, for connections to come; new
  // addresses need a restart. A certificate that can't be used leaves that listener as it was, and is logged.
  void reconfigure(const config::settings& fresh);
  // Accepts no more connections, and ends each session as soon as it is between two commands.
  void stop();
  std::size_t connections() const;
  std::vector<std::uint16_t> ports() const;  // in the order of the configuration

  struct impl;

 private:
  std::unique_ptr<impl> impl_;
};

}  // namespace gonets::smtpd
