// What a command works with, so that tests can put their own in.
#pragma once
#include <expected>
#include <functional>
#include <iosfwd>
#include <string>

#include "app/cli/api_client.h"
#include "app/cli/arguments.h"
#include "app/cli/terminal.h"
#include "base/clock.h"
#include "httpd/control.h"

namespace gonets::app::cli {

struct context {
  std::ostream& out;
  std::ostream& err;
  terminal screen;
  std::function<wall_time()> now;
  std::function<std::expected<api_answer, api_failure>(const std::string& method, const std::string& target,
                                                       const std::string& body)>
      ask;
  std::function<bool()> wait;  // a moment, between two polls; false: enough
  std::function<std::expected<httpd::audit_report, std::string>(const std::string& path)> audit_spool;
  std::string spool_path;  // of the configuration that is in use; empty: none is known
  bool watched = false;    // `err` is a terminal: how far a long work is shows there
};

// Each returns the exit status.
int queue_summary(const arguments& given, const context& with);
int queue_list(const arguments& given, const context& with);
int queue_show(const arguments& given, const context& with);
int queue_act(const arguments& given, const context& with);
int trace(const arguments& given, const context& with);
int why(const arguments& given, const context& with);
int events(const arguments& given, const context& with);
int audit(const arguments& given, const context& with);
int capture_list(const arguments& given, const context& with);
int capture_show(const arguments& given, const context& with);
int auth_lockouts(const arguments& given, const context& with);
int auth_unlock(const arguments& given, const context& with);
int top(const arguments& given, const context& with);
int forecast(const arguments& given, const context& with);
int egress_list(const arguments& given, const context& with);
int shaping_explain(const arguments& given, const context& with);
int shaping_pin(const arguments& given, const context& with);
int shaping_release(const arguments& given, const context& with);
int shaping_history(const arguments& given, const context& with);
int warm_up_list(const arguments& given, const context& with);
int warm_up_set(const arguments& given, const context& with);
int message_search(const arguments& given, const context& with);
int statistics(const arguments& given, const context& with);
int hold_list(const arguments& given, const context& with);
int hold_add(const arguments& given, const context& with);
int hold_release(const arguments& given, const context& with);
int webhook_list(const arguments& given, const context& with);
int webhook_add(const arguments& given, const context& with);
int webhook_show(const arguments& given, const context& with);
int webhook_change(const arguments& given, const context& with);
int webhook_test(const arguments& given, const context& with);
int webhook_rotate(const arguments& given, const context& with);
int webhook_pause(const arguments& given, const context& with);
int webhook_resume(const arguments& given, const context& with);
int webhook_replay(const arguments& given, const context& with);
int webhook_remove(const arguments& given, const context& with);
int suppression_list(const arguments& given, const context& with);
int suppression_show(const arguments& given, const context& with);
int suppression_export(const arguments& given, const context& with);
int suppression_add(const arguments& given, const context& with);
int suppression_remove(const arguments& given, const context& with);
int suppression_import(const arguments& given, const context& with);
int rules_test(const arguments& given, const context& with);
int account_list(const arguments& given, const context& with);
int account_show(const arguments& given, const context& with);
int account_change(const arguments& given, const context& with);  // add, set, pause, resume, close
int credential_list(const arguments& given, const context& with);
int credential_add(const arguments& given, const context& with);
int credential_revoke(const arguments& given, const context& with);
int plan_list(const arguments& given, const context& with);
int plan_show(const arguments& given, const context& with);
int plan_set(const arguments& given, const context& with);
int plan_remove(const arguments& given, const context& with);
int domain_add(const arguments& given, const context& with);
int domain_list(const arguments& given, const context& with);
int domain_show(const arguments& given, const context& with);
int domain_check(const arguments& given, const context& with);
int domain_verify(const arguments& given, const context& with);
int domain_rotate(const arguments& given, const context& with);
int domain_import_key(const arguments& given, const context& with);
int domain_remove(const arguments& given, const context& with);
int domain_reports(const arguments& given, const context& with);
int tls_policy_show(const arguments& given, const context& with);
int tls_report_list(const arguments& given, const context& with);
int tls_report_show(const arguments& given, const context& with);
int tls_report_send(const arguments& given, const context& with);

}  // namespace gonets::app::cli
