// The certificates that listeners offer: TLS contexts made from the files of a configuration, and when each expires.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/settings.h"
#include "metrics/metrics.h"
#include "runtime/tls.h"

namespace gonets::smtpd {

class certificates {
 public:
  explicit certificates(metrics::registry& counts) : counts_(counts) {}

  // Whose files review() looks at from now on.
  void watch(const config::settings& with);
  // Reads the files again, and says of each certificate, in the log and as a metric, how long it lasts. Gives a
  // sentence for each that expires soon. From any thread.
  std::vector<std::string> review(wall_time now);
  // Null: the listener offers no TLS. Throws std::runtime_error when a file can't be used. Listeners with the same
  // files share a context until `forget_contexts`.
  runtime::tls_context_ptr context_for(const config::settings& with, const config::listener& of);
  void forget_contexts() { contexts_.clear(); }

 private:
  // By file, in seconds; read by whoever asks for metrics.
  struct expiries {
    std::mutex mutex;
    std::map<std::string, double> by_file;
  };
  std::mutex mutex_;
  std::set<std::string> watched_;
  metrics::registry& counts_;
  std::map<std::string, runtime::tls_context_ptr> contexts_;
  std::shared_ptr<expiries> expiries_ = std::make_shared<expiries>();
};

}  // namespace gonets::smtpd
