// Answers the HTTP API's questions about TLS towards destinations.
#pragma once
#include "app/parts.h"
#include "httpd/tls_control.h"

namespace gonets::app {

class tls_control final : public httpd::tls_control {
 public:
  explicit tls_control(parts& all) : parts_(all) {}
  void tls_policy_of(std::string domain, bool refresh, done<httpd::tls_policy_answer> answer) override;
  void tls_reports(std::optional<std::chrono::sys_days> day, std::size_t rows_max,
                   done<or_trouble<std::vector<httpd::tls_report_row>>> answer) override;
  void tls_report_of(std::string domain, std::chrono::sys_days day,
                     done<or_trouble<httpd::tls_report_answer>> answer) override;
  void send_tls_reports(std::string domain, std::chrono::sys_days day,
                        done<or_trouble<std::optional<std::uint64_t>>> answer) override;

 private:
  parts& parts_;
};

}  // namespace gonets::app
