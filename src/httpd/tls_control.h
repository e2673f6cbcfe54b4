// What the API asks about TLS towards destinations: policies and reports. Part of httpd::control.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tls_policy/tls_report.h"

namespace gonets::httpd {

struct sts_answer {
  std::string state;  // "off", "unknown" (never looked up), "none", "in_force"
  std::string mode, id;
  std::vector<std::string> mx;
  std::chrono::seconds max_age{0};
  wall_time fetched{}, expires{}, check_at{};
  std::string trouble;  // why the last look-up or fetch failed
};

struct tls_host_answer {
  std::string name;
  std::string tlsa;                  // "none", "usable", "unusable", "failed", "not_looked_up" (MX without DNSSEC)
  std::vector<std::string> records;  // "3 1 1 4E1E..."
  bool sts_allows = true;
  std::string policy;  // what governs a connection to it: "opportunistic", "dane", "sts"...
};

struct tls_policy_answer {
  std::string domain;
  std::string route;  // "mx", or where else its mail goes; then the rest is empty
  std::string level;  // configured
  bool mx_secure = false;
  std::string trouble;  // why there are no hosts
  sts_answer sts;
  std::vector<tls_host_answer> hosts;
};

struct tls_report_row {
  std::string domain;
  std::chrono::sys_days day;
  std::string state;  // "pending", "sent", "unwanted", "failed"
  wall_time due{};
  std::uint64_t successes = 0, failures = 0;
  std::vector<std::string> sent;
  std::string detail;
};

struct tls_report_answer {
  std::vector<tls_report_row> days;
  std::optional<std::string> report;  // JSON of RFC 8460, of the day that was asked for
};

class tls_control {
 public:
  template <class T>
  using done = std::move_only_function<void(T)>;
  // The error is a sentence: the database cannot be asked.
  template <class T>
  using or_trouble = std::expected<T, std::string>;

  virtual ~tls_control() = default;
  virtual void tls_policy_of(std::string domain, bool refresh, done<tls_policy_answer> answer) = 0;
  virtual void tls_reports(std::optional<std::chrono::sys_days> day, std::size_t rows_max,
                           done<or_trouble<std::vector<tls_report_row>>> answer) = 0;
  virtual void tls_report_of(std::string domain, std::chrono::sys_days day,
                             done<or_trouble<tls_report_answer>> answer) = 0;
  // Of all domains when `domain` is empty; how many are sent now, or nothing: reports are switched off.
  virtual void send_tls_reports(std::string domain, std::chrono::sys_days day,
                                done<or_trouble<std::optional<std::uint64_t>>> answer) = 0;
};

}  // namespace gonets::httpd
