// A server that is asked and answers what a test put into it, at once. Remembers what it was asked.
#pragma once
#include <map>

#include "httpd/control.h"

namespace gonets::httpd {

class fake_webhook_control : public webhook_control {
 public:
  void with_webhooks(std::move_only_function<response(webhook_parts&)>, done<response> answer) override {
    answer(error_response(503, "busy", "too many changes wait for the database"));
  }
  void try_webhook(webhooks::webhook_id, done<std::optional<webhooks::attempt>> answer) override {
    answer(std::nullopt);
  }
};

class fake_tls_control : public tls_control {
 public:
  tls_policy_answer policy_answer;
  or_trouble<std::vector<tls_report_row>> reports_answer;
  or_trouble<tls_report_answer> report_answer;
  or_trouble<std::optional<std::uint64_t>> send_answer = 0;
  std::string asked_domain;
  std::optional<std::chrono::sys_days> asked_day;
  bool asked_refresh = false;

  void tls_policy_of(std::string domain, bool refresh, done<tls_policy_answer> answer) override {
    asked_domain = std::move(domain);
    asked_refresh = refresh;
    answer(policy_answer);
  }
  void tls_reports(std::optional<std::chrono::sys_days> day, std::size_t,
                   done<or_trouble<std::vector<tls_report_row>>> answer) override {
    asked_day = day;
    answer(reports_answer);
  }
  void tls_report_of(std::string domain, std::chrono::sys_days day,
                     done<or_trouble<tls_report_answer>> answer) override {
    asked_domain = std::move(domain);
    asked_day = day;
    answer(report_answer);
  }
  void send_tls_reports(std::string domain, std::chrono::sys_days day,
                        done<or_trouble<std::optional<std::uint64_t>>> answer) override {
    asked_domain = std::move(domain);
    asked_day = day;
    answer(send_answer);
  }
};

class fake_operator_control : public operator_control {
 public:
  std::expected<pace_history_answer, std::string> history;
  std::expected<rule_test_answer, std::vector<std::string>> test;
  std::string asked_place, asked_rules;
  std::chrono::milliseconds asked_back{0};
  std::size_t asked_max = 0;

  void pace_history(std::string place, std::chrono::milliseconds back, std::size_t max,
                    done<std::expected<pace_history_answer, std::string>> answer) override {
    asked_place = std::move(place);
    asked_back = back;
    asked_max = max;
    answer(history);
  }
  std::vector<hold_row> holds_answer;
  std::expected<hold_row, response> hold_answer;
  hold_request asked_hold;
  scheduler::hold_id asked_release;

  void holds(done<std::vector<hold_row>> answer) override { answer(holds_answer); }
  void add_hold(hold_request wanted, done<std::expected<hold_row, response>> answer) override {
    asked_hold = std::move(wanted);
    answer(hold_answer);
  }
  void release_hold(scheduler::hold_id id, done<std::expected<hold_row, response>> answer) override {
    asked_release = id;
    answer(hold_answer);
  }
  std::expected<suppression_page, response> suppressions_answer;
  suppression_search asked_suppressions;
  void suppressions(suppression_search wanted, done<std::expected<suppression_page, response>> answer) override {
    asked_suppressions = std::move(wanted);
    answer(suppressions_answer);
  }
  std::expected<std::vector<suppression_facts>, response> suppression_answer;
  std::string asked_address, asked_account;
  void find_suppressions(std::string address, std::string account,
                         done<std::expected<std::vector<suppression_facts>, response>> answer) override {
    asked_address = std::move(address);
    asked_account = std::move(account);
    answer(suppression_answer);
  }
  suppression_request asked_suppression;
  std::vector<std::string> kept_suppressions;
  void change_suppressions(suppression_request wanted,
                           done<std::expected<suppressions_changed, response>> answer) override {
    asked_suppression = std::move(wanted);
    answer(suppressions_changed{asked_suppression.entries.size(), kept_suppressions});
  }
  message_search asked_search;
  std::expected<message_page, response> search_answer;
  void search_messages(message_search wanted, done<std::expected<message_page, response>> answer) override {
    asked_search = std::move(wanted);
    answer(search_answer);
  }
  statistics_search asked_statistics;
  std::expected<statistics_answer, response> statistics_rows;
  void count_statistics(statistics_search wanted, done<std::expected<statistics_answer, response>> answer) override {
    asked_statistics = std::move(wanted);
    answer(statistics_rows);
  }
  report_search asked_reports;
  std::expected<report_answer, response> report_rows;
  void domain_reports(report_search wanted, done<std::expected<report_answer, response>> answer) override {
    asked_reports = std::move(wanted);
    answer(report_rows);
  }
  flow_answer flow_rows;
  flow_by asked_by{};
  void flow(flow_by by, std::size_t max, done<flow_answer> answer) override {
    asked_by = by;
    asked_max = max;
    answer(flow_rows);
  }
  std::vector<shaping::warm_up_book::line> warm_ups_answer;
  std::expected<shaping::warm_up_book::line, response> warm_up_answer;
  warm_up_request asked_warm_up;

  std::vector<shaping::warm_up_book::line> warm_ups() override { return warm_ups_answer; }
  std::expected<shaping::warm_up_book::line, response> set_warm_up(const warm_up_request& to) override {
    asked_warm_up = to;
    return warm_up_answer;
  }
  void test_rules(std::string rules, std::string name, std::chrono::milliseconds back,
                  done<std::expected<rule_test_answer, std::vector<std::string>>> answer) override {
    asked_rules = std::move(rules);
    asked_place = std::move(name);
    asked_back = back;
    answer(test);
  }
};

class fake_event_source : public event_source {
 public:
  std::vector<std::expected<event_page, response>> pages;  // one for each question; behind them it waits for ever
  std::vector<event_question> asked;
  std::vector<done<std::expected<event_page, response>>> unanswered;
  bool has_place = true;
  std::weak_ptr<const void> given;
  std::string place_for;

  place take_place(const std::string& account) override {
    place_for = account;
    if (!has_place) return nullptr;
    const place made = std::make_shared<const int>(0);
    given = made;
    return made;
  }
  void read(event_question wanted, done<std::expected<event_page, response>> answer) override {
    asked.push_back(std::move(wanted));
    if (asked.size() > pages.size()) return unanswered.push_back(std::move(answer));
    answer(pages[asked.size() - 1]);
  }
};

class fake_control : public control {
 public:
  fake_operator_control operator_answers;
  operator_control& operating() override { return operator_answers; }
  fake_webhook_control webhook_answers;
  webhook_control& webhooks() override { return webhook_answers; }
  fake_tls_control tls_answers;
  tls_control& tls() override { return tls_answers; }

  readiness is_ready{true, ""};
  std::string metrics = "gonets_up 1\n";
  queue_summary summary_answer;
  queue_page list_answer;
  std::optional<queue_page> show_answer;
  std::optional<std::string> content_answer;
  std::uint64_t affected = 0;
  std::vector<events::event> trace_answer;
  std::vector<why_row> why_answer;
  audit_report audit_answer;
  std::vector<captured_message> captured_answer;
  std::optional<std::string> captured_content_answer;

  std::map<std::string, key_verdict> keys;
  std::vector<lockout_row> lockouts_answer;
  std::vector<egress_row> egress_rows;
  site_answer site;
  std::string asked_site;
  site_pin asked_pin;

  queue_filter asked_filter;
  std::size_t asked_max = 0;
  message_id asked_id;
  std::string asked_reason, asked_capture;
  queue_action asked_action{};
  int calls = 0;  // of the functions that reach into the server

  readiness ready() override { return is_ready; }
  std::string metrics_page() override { return metrics; }
  void summary(std::size_t lines_max, done<queue_summary> answer) override {
    ++calls;
    asked_max = lines_max;
    answer(summary_answer);
  }
  void list(queue_filter which, std::size_t rows_max, done<queue_page> answer) override {
    ++calls;
    asked_filter = std::move(which);
    asked_max = rows_max;
    answer(list_answer);
  }
  void show(message_id id, done<std::optional<queue_page>> answer) override {
    ++calls;
    asked_id = id;
    answer(show_answer);
  }
  void content(message_id id, done<std::optional<std::string>> answer) override {
    ++calls;
    asked_id = id;
    answer(content_answer);
  }
  void act(queue_filter which, queue_action what, std::string reason, done<std::uint64_t> answer) override {
    ++calls;
    asked_filter = std::move(which);
    asked_action = what;
    asked_reason = std::move(reason);
    answer(affected);
  }
  void trace(message_id id, done<std::vector<events::event>> answer) override {
    ++calls;
    asked_id = id;
    answer(trace_answer);
  }
  void why(message_id id, done<std::vector<why_row>> answer) override {
    ++calls;
    asked_id = id;
    answer(why_answer);
  }
  fake_event_source event_answers;
  event_source& event_log() override { return event_answers; }
  void audit(done<audit_report> answer) override {
    ++calls;
    answer(audit_answer);
  }
  // Over a SQLite of the test's own; null: as if too much waited.
  std::shared_ptr<accounts::registry> registry;
  std::vector<submission_port> ports{{"mail.example.com", 587, "starttls"}};
  void with_accounts(std::move_only_function<response(accounts::registry&)> work, done<response> answer) override {
    ++calls;
    answer(registry ? work(*registry) : error_response(503, "busy", "too many changes wait for the database"));
  }
  accounts::directory_ptr accounts_now() override {
    return registry ? registry->current() : std::make_shared<const accounts::directory>(accounts::contents{});
  }
  std::vector<submission_port> submission_ports() override { return ports; }
  std::vector<quota_use> used_of(account_id, const std::vector<accounts::quota>& quotas) override {
    return {quotas.size(), {7, wall_time(std::chrono::hours(1))}};
  }
  domains::manager* manager = nullptr;  // what a test passes
  domains::manager& domains() override { return *manager; }
  void captured(std::size_t rows_max, done<std::vector<captured_message>> answer) override {
    ++calls;
    asked_max = rows_max;
    answer(captured_answer);
  }
  void check_key(std::string key, const address_bytes&, done<key_verdict> answer) override {
    const auto at = keys.find(key);
    answer(at == keys.end() ? key_verdict{} : at->second);
  }
  void lockouts(std::size_t rows_max, done<std::vector<lockout_row>> answer) override {
    ++calls;
    asked_max = rows_max;
    answer(lockouts_answer);
  }
  void unlock(std::string what, done<bool> answer) override {
    ++calls;
    const auto gone = std::erase_if(lockouts_answer, [&](const lockout_row& r) { return r.name == what; });
    answer(gone != 0);
  }
  std::vector<egress_row> egresses() override { return egress_rows; }
  std::vector<blocklist_row> blocklist_rows;
  std::vector<blocklist_row> blocklists() override { return blocklist_rows; }
  site_viewer asked_viewer;
  void view_site(std::string domain, site_viewer by, done<site_answer> answer) override {
    asked_viewer = std::move(by);
    ++calls;
    asked_site = std::move(domain);
    answer(site);
  }
  void pin_site(std::string domain, site_pin to, done<site_answer> answer) override {
    asked_pin = to;
    view_site(std::move(domain), {}, std::move(answer));
  }
  void release_site(std::string domain, std::string stream, done<site_answer> answer) override {
    asked_pin = site_pin{std::move(stream), 0, {}};
    view_site(std::move(domain), {}, std::move(answer));
  }
  void captured_content(std::string id, done<std::optional<std::string>> answer) override {
    ++calls;
    asked_capture = std::move(id);
    answer(captured_content_answer);
  }
};

}  // namespace gonets::httpd
