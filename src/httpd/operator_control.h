// What the API asks for operators: what became of pace, what other rules would have done, standing holds. Part of
// httpd::control.
#pragma once
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "events/event.h"
#include "events/log_search.h"
#include "events/rule_replay.h"
#include "feedback/report_table.h"
#include "httpd/exchange.h"
#include "journal/query.h"
#include "scheduler/flow_board.h"
#include "scheduler/standing_hold.h"
#include "shaping/warm_up_book.h"
#include "suppression/list.h"

namespace gonets::httpd {

struct pace_history_answer {
  std::string site;
  std::vector<events::event> changes;  // the latest, oldest first
  std::uint64_t changes_in_all = 0;
  events::searched log;
};

struct rule_test_answer {
  std::vector<events::rule_replay::group> groups;
  std::uint64_t replies = 0, different = 0, same_by_another_rule = 0, left_out = 0;
  events::searched log;
};

// As given; empty: any.
struct hold_request {
  std::string account, stream, domain, provider, campaign, tag, reason;
};

struct hold_row {
  scheduler::standing_hold hold;
  std::string account;           // its name
  std::uint64_t recipients = 0;  // queued ones that it keeps back
};

struct suppression_search {
  std::string account;  // its name
  std::string after;    // `next` of the page before
  std::size_t max = 0;
  suppression::filter which;
  std::optional<std::chrono::milliseconds> back;  // on the list for so long at most
};
struct suppression_page {
  std::vector<suppression::entry> rows;
  std::string next;  // to be given as `after`; empty: that is all
};
// All that is known of an address at one account.
struct suppression_facts {
  std::string account;  // its name
  std::vector<suppression::entry> entries;
  std::optional<suppression::soft_record> soft;
  bounce::suppression_policy by;
};
struct suppression_request {
  std::string account;                        // its name
  bool own = false;                           // the account asks: what recipients complained of stays
  std::vector<suppression::entry> entries;    // of no account yet; `since` zero: now
  std::optional<std::chrono::seconds> lasts;  // of those without an end; nothing: for good
  bool remove = false;
};
struct suppressions_changed {
  std::uint64_t count = 0;        // of entries that were named, and not kept
  std::vector<std::string> kept;  // addresses that recipients complained from
};

struct warm_up_request {
  std::string egress, provider;
  std::optional<std::uint32_t> day;  // nothing: it is warm
};

enum class flow_by : std::uint8_t { provider, site, account, egress };
struct flow_row {
  std::string name;
  scheduler::flow_counts counts;  // since the start, or since it was last forgotten
  std::uint64_t waiting = 0, sending = 0, deferred = 0, held = 0, connections = 0;
  wall_time oldest{};
};
struct flow_answer {
  wall_time at{};
  std::vector<flow_row> rows;  // those at work first, cut at a limit
  std::uint64_t rows_in_all = 0;
  flow_row total;
};

struct message_search {
  journal::query which;
  std::string account;                                    // its name; empty: any
  std::optional<std::chrono::milliseconds> since, until;  // accepted so long ago at most, at least
};
struct found_message {
  journal::row row;
  std::string account;  // its name; empty when it is not known
};
struct message_page {
  std::vector<found_message> rows;
  std::optional<journal::position> next;
};

struct statistics_search {
  std::vector<journal::statistics_by> by{journal::statistics_by::stream};
  std::string account;  // its name; empty: any
  std::chrono::milliseconds since{}, until{};
};
struct statistics_answer {
  wall_time since{}, until{};
  journal::statistics rows;  // an account by its name
};

struct report_search {
  std::string domain;  // empty: all
  std::chrono::milliseconds since{};
  std::size_t max = 0;
};
struct report_answer {
  wall_time since{};
  feedback::report_summary found;
};

class operator_control {
 public:
  template <class T>
  using done = std::move_only_function<void(T)>;

  virtual ~operator_control() = default;
  // `place` is a recipients' domain or a site's key. The error says why there is no such site.
  virtual void pace_history(std::string place, std::chrono::milliseconds back, std::size_t max,
                            done<std::expected<pace_history_answer, std::string>> answer) = 0;
  // `rules` is the text of a rules file, `name` what errors call it. The errors are of the file, a line each.
  virtual void test_rules(std::string rules, std::string name, std::chrono::milliseconds back,
                          done<std::expected<rule_test_answer, std::vector<std::string>>> answer) = 0;
  // The errors are ready answers: what is asked for is unknown, or the database can't be asked.
  virtual void holds(done<std::vector<hold_row>> answer) = 0;
  virtual void add_hold(hold_request wanted, done<std::expected<hold_row, response>> answer) = 0;
  virtual void suppressions(suppression_search wanted, done<std::expected<suppression_page, response>> answer) = 0;
  // `account` empty: of all accounts that have something on it.
  virtual void find_suppressions(std::string address, std::string account,
                                 done<std::expected<std::vector<suppression_facts>, response>> answer) = 0;
  // On the disk and in force when the answer comes.
  virtual void change_suppressions(suppression_request wanted,
                                   done<std::expected<suppressions_changed, response>> answer) = 0;
  virtual void flow(flow_by by, std::size_t max, done<flow_answer> answer) = 0;
  virtual std::vector<shaping::warm_up_book::line> warm_ups() = 0;
  virtual std::expected<shaping::warm_up_book::line, response> set_warm_up(const warm_up_request& to) = 0;
  virtual void release_hold(scheduler::hold_id id, done<std::expected<hold_row, response>> answer) = 0;
  virtual void search_messages(message_search wanted, done<std::expected<message_page, response>> answer) = 0;
  virtual void count_statistics(statistics_search wanted, done<std::expected<statistics_answer, response>> answer) = 0;
  virtual void domain_reports(report_search wanted, done<std::expected<report_answer, response>> answer) = 0;
};

}  // namespace gonets::httpd
