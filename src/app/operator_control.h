// Answers what the API asks for operators.
#pragma once
#include "app/parts.h"
#include "httpd/operator_control.h"

namespace gonets::app {

class operator_control final : public httpd::operator_control {
 public:
  explicit operator_control(parts& all) : parts_(all) {}
  void pace_history(std::string place, std::chrono::milliseconds back, std::size_t max,
                    done<std::expected<httpd::pace_history_answer, std::string>> answer) override;
  void test_rules(std::string rules, std::string name, std::chrono::milliseconds back,
                  done<std::expected<httpd::rule_test_answer, std::vector<std::string>>> answer) override;
  void holds(done<std::vector<httpd::hold_row>> answer) override;
  void add_hold(httpd::hold_request wanted, done<std::expected<httpd::hold_row, httpd::response>> answer) override;
  void suppressions(httpd::suppression_search wanted,
                    done<std::expected<httpd::suppression_page, httpd::response>> answer) override;
  void find_suppressions(std::string address, std::string account,
                         done<std::expected<std::vector<httpd::suppression_facts>, httpd::response>> answer) override;
  void change_suppressions(httpd::suppression_request wanted,
                           done<std::expected<httpd::suppressions_changed, httpd::response>> answer) override;
  void flow(httpd::flow_by by, std::size_t max, done<httpd::flow_answer> answer) override;
  std::vector<shaping::warm_up_book::line> warm_ups() override;
  std::expected<shaping::warm_up_book::line, httpd::response> set_warm_up(const httpd::warm_up_request& to) override;
  void release_hold(scheduler::hold_id id, done<std::expected<httpd::hold_row, httpd::response>> answer) override;
  void search_messages(httpd::message_search wanted,
                       done<std::expected<httpd::message_page, httpd::response>> answer) override;
  void domain_reports(httpd::report_search wanted,
                      done<std::expected<httpd::report_answer, httpd::response>> answer) override;
  void count_statistics(httpd::statistics_search wanted,
                        done<std::expected<httpd::statistics_answer, httpd::response>> answer) override;

 private:
  void read_history(std::string site, std::chrono::milliseconds back, std::size_t max,
                    done<std::expected<httpd::pace_history_answer, std::string>> answer);
  parts& parts_;
};

}  // namespace gonets::app
