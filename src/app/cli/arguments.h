// The command line as values. Sees no environment and does nothing.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace gonets::app::cli {

enum class command : unsigned char {
  serve,
  check_config,
  config_reference,
  doctor,
  queue_summary,
  queue_list,
  queue_show,
  queue_retry,
  queue_hold,
  queue_release,
  queue_remove,
  trace,
  why,
  audit,
  capture_list,
  capture_show,
  events,
  auth_lockouts,
  auth_unlock,
  tls_policy_show,
  tls_report_list,
  tls_report_show,
  tls_report_send,
  dkim_sign,
  dkim_verify,
  dkim_record,
  account_list,
  account_show,
  account_add,
  account_set,
  account_pause,
  account_resume,
  account_close,
  credential_list,
  credential_add,
  credential_revoke,
  plan_list,
  plan_show,
  plan_set,
  plan_remove,
  domain_add,
  domain_list,
  domain_show,
  domain_check,
  domain_verify,
  domain_rotate,
  domain_import_key,
  domain_remove,
  domain_reports,
  egress_list,
  forecast,
  top,
  warm_up_list,
  warm_up_set,
  shaping_explain,
  shaping_pin,
  shaping_release,
  shaping_history,
  rules_show,
  rules_presets,
  rules_check,
  rules_try,
  rules_test,
  bounce_classify,
  message_search,
  statistics,
  hold_list,
  hold_add,
  hold_release,
  webhook_list,
  webhook_add,
  webhook_show,
  webhook_change,
  webhook_test,
  webhook_rotate,
  webhook_pause,
  webhook_resume,
  webhook_replay,
  webhook_remove,
  suppression_list,
  suppression_show,
  suppression_add,
  suppression_remove,
  suppression_import,
  suppression_export,
  version
};

// As given; empty: not given.
struct filter_arguments {
  std::string id, recipient, domain, account, state, older_than;
  bool operator==(const filter_arguments&) const = default;
};

// Of `account`, `credential` and `plan`; what was not given is empty or absent.
struct account_arguments {
  std::string name;  // of the account or plan
  std::string plan, policy;
  bool no_plan = false, no_quotas = false;
  std::vector<std::string> quotas;  // as accounts::parse_quota reads them
  std::optional<bool> month_is_final;
  std::string message_bytes_max;
  std::optional<std::uint32_t> recipients_max, weight, journal_hash_after_days;
  std::optional<bool> journal_subject;
  std::optional<std::string> egress;
  std::optional<bool> ignore_suppression;
  std::optional<std::string> suppress_categories;  // separated by commas; empty: none
  std::optional<std::uint32_t> soft_bounces, soft_over_days, soft_within_days, soft_for_days;
  // Of a credential:
  std::uint32_t credential = 0;
  std::string title, login, stream, certificate;
  std::vector<std::string> scopes, networks;
  bool api_key = false, no_scram = false;
};

// Of `rules`; empty: not given.
struct rules_arguments {
  std::string provider, file, stage;
};

// Of `shaping`; empty: not given.
struct shaping_arguments {
  std::string rate, stream;
  std::optional<unsigned> connections;
};

// Of `hold add`, besides what it has in common with others; empty: not given.
struct hold_arguments {
  std::string campaign, tag;
};

// Of `webhook`.
struct webhook_arguments {
  std::string which, url, name, account, back, after;
  std::vector<std::string> kinds, streams;
};

// Of `suppression`.
struct suppression_arguments {
  std::string account, stream, list, reason, expires, file, since, search;
  std::string format = "csv";
  std::vector<std::string> addresses;
};

// Of `messages search`, besides what it has in common with others; empty: not given.
struct search_arguments {
  std::string sender, header_message_id, subject, status, category, page;
  std::string since, until;
};

// Of `stats`.
struct statistics_arguments {
  std::string by = "stream", since, until;
  std::vector<std::string> group;
};

// Of `events`; empty: not given.
struct events_arguments {
  std::string after;
  std::vector<std::string> kinds, streams;
};

// Of `warm-up set`.
struct warm_up_arguments {
  std::string egress, provider;
  std::optional<unsigned> day;
  bool warm = false;
};

// Of `forecast`.
struct forecast_arguments {
  std::string file, stream = "bulk", account;
  unsigned look_up = 200;
};

// Of `top`.
struct top_arguments {
  std::string by = "provider";
  bool once = false;
};

struct arguments {
  command what = command::version;
  bool json = false;
  std::string socket, config_file;
  std::string id;  // of a message, or of a captured one; what to unlock
  filter_arguments filter;
  std::string reason;
  bool all = false;      // of queue remove
  bool content = false;  // of queue show
  unsigned max = 100;    // rows
  bool follow = false;
  std::string since;
  std::string spool;  // of audit
  account_arguments account;
  std::string domain, day;  // of tls-policy, tls-report and shaping
  bool refresh = false;     // of tls-policy show
  std::string key_file, dkim_domain, dkim_selector, dns_file;
  std::string canonicalization = "relaxed/relaxed";
  std::string sender_domain;
  std::optional<std::string> return_path, tracking;
  bool zone = false, force = false, now = false;
  rules_arguments rules;
  bool reply = false;  // of bounce classify
  shaping_arguments shaping;
  warm_up_arguments warm_up;
  forecast_arguments forecast;
  top_arguments top;
  hold_arguments hold;
  webhook_arguments webhook;
  suppression_arguments suppression;
  search_arguments search;
  statistics_arguments statistics;
  events_arguments events;
};

// What to print and exit with in place of doing anything: help, the version, or bad usage.
struct parse_exit {
  int status = 0;
  std::string out, err;
};

inline constexpr int exit_fine = 0;
inline constexpr int exit_negative = 1;
inline constexpr int exit_bad_usage = 2;

std::expected<arguments, parse_exit> parse(int argc, const char* const* argv);

}  // namespace gonets::app::cli
