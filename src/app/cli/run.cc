#include "app/cli/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <thread>

#include "app/cli/bounce_commands.h"
#include "app/cli/config_commands.h"
#include "app/cli/context.h"
#include "app/cli/dkim_commands.h"
#include "app/cli/doctor_commands.h"
#include "app/cli/rules_commands.h"
#include "app/offline_audit.h"
#include "app/serve.h"
#include "runtime/shards.h"

namespace gonets::app::cli {
namespace {

constexpr std::chrono::seconds poll_every{1};

wall_time wall_now() {
  return runtime::system_clock().wall();
}

filter_context on_standard_streams() {
  return {std::cin, std::cout, std::cerr, detect_terminal(STDOUT_FILENO), wall_now()};
}

int run_server(const arguments& given) {
  const std::string file = given.config_file.empty() ? default_config_file : given.config_file;
  const auto settings = load_checked(file, std::cerr);
  if (!settings) {
    std::cerr << "gonets: not started; see above\n";
    return exit_negative;
  }
  return serve(*settings, file);
}

context context_of(const location& where) {
  const auto start =
      fmt::format("gonets serve --config {}", where.config_file.empty() ? default_config_file : where.config_file);
  return {
      .out = std::cout,
      .err = std::cerr,
      .screen = detect_terminal(STDOUT_FILENO),
      .now = wall_now,
      .ask = [socket = where.socket, start](
                 const std::string& method, const std::string& target,
                 const std::string& body) { return ask_server(socket, start, method, target, body); },
      .wait =
          [] {
            std::this_thread::sleep_for(poll_every);
            return true;
          },
      .audit_spool = audit_spool,
      .spool_path = where.spool_path,
      .watched = ::isatty(STDERR_FILENO) == 1,
  };
}

int examine(const arguments& given) {
  // A configuration that can't be read is among the findings.
  std::ostringstream unheard;
  const auto where = locate(given, std::getenv("GONETS_SOCKET"), default_config_file, unheard);
  return run_doctor(given, context_of(where.value_or(location{})),
                    given.config_file.empty() ? default_config_file : given.config_file);
}

int run_client(const arguments& given) {
  auto where = locate(given, std::getenv("GONETS_SOCKET"), default_config_file, std::cerr);
  if (!where) return exit_bad_usage;
  // A socket that was named by itself may be of another server than the one of a configuration.
  if (!given.socket.empty() && given.config_file.empty()) where->spool_path.clear();
  const auto with = context_of(*where);
  switch (given.what) {
    case command::queue_list:
      return queue_list(given, with);
    case command::queue_show:
      return queue_show(given, with);
    case command::queue_retry:
    case command::queue_hold:
    case command::queue_release:
    case command::queue_remove:
      return queue_act(given, with);
    case command::trace:
      return trace(given, with);
    case command::why:
      return why(given, with);
    case command::audit:
      return audit(given, with);
    case command::capture_list:
      return capture_list(given, with);
    case command::capture_show:
      return capture_show(given, with);
    case command::events:
      return events(given, with);
    case command::auth_lockouts:
      return auth_lockouts(given, with);
    case command::auth_unlock:
      return auth_unlock(given, with);
    case command::top:
      return top(given, with);
    case command::forecast:
      return forecast(given, with);
    case command::egress_list:
      return egress_list(given, with);
    case command::warm_up_list:
      return warm_up_list(given, with);
    case command::warm_up_set:
      return warm_up_set(given, with);
    case command::shaping_explain:
      return shaping_explain(given, with);
    case command::shaping_pin:
      return shaping_pin(given, with);
    case command::shaping_release:
      return shaping_release(given, with);
    case command::shaping_history:
      return shaping_history(given, with);
    case command::message_search:
      return message_search(given, with);
    case command::statistics:
      return statistics(given, with);
    case command::hold_list:
      return hold_list(given, with);
    case command::hold_add:
      return hold_add(given, with);
    case command::hold_release:
      return hold_release(given, with);
    case command::webhook_list:
      return webhook_list(given, with);
    case command::webhook_add:
      return webhook_add(given, with);
    case command::webhook_show:
      return webhook_show(given, with);
    case command::webhook_change:
      return webhook_change(given, with);
    case command::webhook_test:
      return webhook_test(given, with);
    case command::webhook_rotate:
      return webhook_rotate(given, with);
    case command::webhook_pause:
      return webhook_pause(given, with);
    case command::webhook_resume:
      return webhook_resume(given, with);
    case command::webhook_replay:
      return webhook_replay(given, with);
    case command::webhook_remove:
      return webhook_remove(given, with);
    case command::suppression_list:
      return suppression_list(given, with);
    case command::suppression_show:
      return suppression_show(given, with);
    case command::suppression_export:
      return suppression_export(given, with);
    case command::suppression_add:
      return suppression_add(given, with);
    case command::suppression_remove:
      return suppression_remove(given, with);
    case command::suppression_import:
      return suppression_import(given, with);
    case command::rules_test:
      return rules_test(given, with);
    case command::account_list:
      return account_list(given, with);
    case command::account_show:
      return account_show(given, with);
    case command::account_add:
    case command::account_set:
    case command::account_pause:
    case command::account_resume:
    case command::account_close:
      return account_change(given, with);
    case command::credential_list:
      return credential_list(given, with);
    case command::credential_add:
      return credential_add(given, with);
    case command::credential_revoke:
      return credential_revoke(given, with);
    case command::plan_list:
      return plan_list(given, with);
    case command::plan_show:
      return plan_show(given, with);
    case command::plan_set:
      return plan_set(given, with);
    case command::plan_remove:
      return plan_remove(given, with);
    case command::domain_add:
      return domain_add(given, with);
    case command::domain_list:
      return domain_list(given, with);
    case command::domain_show:
      return domain_show(given, with);
    case command::domain_check:
      return domain_check(given, with);
    case command::domain_verify:
      return domain_verify(given, with);
    case command::domain_rotate:
      return domain_rotate(given, with);
    case command::domain_import_key:
      return domain_import_key(given, with);
    case command::domain_remove:
      return domain_remove(given, with);
    case command::domain_reports:
      return domain_reports(given, with);
    case command::tls_policy_show:
      return tls_policy_show(given, with);
    case command::tls_report_list:
      return tls_report_list(given, with);
    case command::tls_report_show:
      return tls_report_show(given, with);
    case command::tls_report_send:
      return tls_report_send(given, with);
    default:
      return queue_summary(given, with);
  }
}

}  // namespace

int run(int argc, const char* const* argv) {
  const auto given = parse(argc, argv);
  if (!given) {
    std::cout << given.error().out;
    std::cerr << given.error().err;
    return given.error().status;
  }
  switch (given->what) {
    case command::serve:
      return run_server(*given);
    case command::check_config:
      return check_config(*given, std::cout, std::cerr);
    case command::doctor:
      return examine(*given);
    case command::config_reference:
      return config_reference(std::cout);
    case command::dkim_sign:
      return dkim_sign(*given, on_standard_streams());
    case command::dkim_verify:
      return dkim_verify(*given, on_standard_streams());
    case command::dkim_record:
      return dkim_record(*given, on_standard_streams());
    case command::rules_show:
      return rules_show(*given, on_standard_streams());
    case command::rules_presets:
      return rules_presets(*given, on_standard_streams());
    case command::rules_check:
      return rules_check(*given, on_standard_streams());
    case command::rules_try:
      return rules_try(*given, on_standard_streams());
    case command::bounce_classify:
      return bounce_classify(*given, on_standard_streams());
    case command::version:
      return version(*given, std::cout);
    default:
      return run_client(*given);
  }
}

}  // namespace gonets::app::cli
