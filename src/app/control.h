// Answers the HTTP API's questions: asks every shard's scheduler, and the spool on the blocking pool.
#pragma once
#include <memory>

#include "app/event_log.h"
#include "app/operator_control.h"
#include "app/parts.h"
#include "app/tls_control.h"
#include "app/webhook_control.h"
#include "httpd/control.h"

namespace gonets::app {

class control final : public httpd::control {
 public:
  explicit control(parts& all) : parts_(all), tls_(all), operating_(all), webhooks_(all), event_log_(all) {}
  httpd::readiness ready() override;
  std::string metrics_page() override;
  void summary(std::size_t lines_max, done<httpd::queue_summary> answer) override;
  void list(httpd::queue_filter which, std::size_t rows_max, done<httpd::queue_page> answer) override;
  void show(message_id id, done<std::optional<httpd::queue_page>> answer) override;
  void content(message_id id, done<std::optional<std::string>> answer) override;
  void act(httpd::queue_filter which, httpd::queue_action what, std::string reason,
           done<std::uint64_t> answer) override;
  void trace(message_id id, done<std::vector<events::event>> answer) override;
  void why(message_id id, done<std::vector<httpd::why_row>> answer) override;
  void audit(done<httpd::audit_report> answer) override;
  void with_accounts(std::move_only_function<httpd::response(accounts::registry&)> work,
                     done<httpd::response> answer) override;
  accounts::directory_ptr accounts_now() override;
  std::vector<httpd::quota_use> used_of(account_id who, const std::vector<accounts::quota>& quotas) override;
  std::vector<httpd::submission_port> submission_ports() override;
  void captured(std::size_t rows_max, done<std::vector<httpd::captured_message>> answer) override;
  void captured_content(std::string id, done<std::optional<std::string>> answer) override;
  void check_key(std::string key, const address_bytes& from, done<httpd::key_verdict> answer) override;
  void lockouts(std::size_t rows_max, done<std::vector<httpd::lockout_row>> answer) override;
  void unlock(std::string what, done<bool> answer) override;
  void view_site(std::string domain, httpd::site_viewer by, done<httpd::site_answer> answer) override;
  void pin_site(std::string domain, httpd::site_pin to, done<httpd::site_answer> answer) override;
  void release_site(std::string domain, std::string stream, done<httpd::site_answer> answer) override;
  std::vector<httpd::egress_row> egresses() override;
  std::vector<httpd::blocklist_row> blocklists() override;
  httpd::tls_control& tls() override { return tls_; }
  httpd::operator_control& operating() override { return operating_; }
  httpd::webhook_control& webhooks() override { return webhooks_; }

  httpd::event_source& event_log() override { return event_log_; }
  domains::manager& domains() override { return *parts_.domains; }

 private:
  parts& parts_;
  tls_control tls_;
  operator_control operating_;
  webhook_control webhooks_;
  app::event_log event_log_;
};

}  // namespace gonets::app
