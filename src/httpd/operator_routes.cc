// /v1/sites/{domain}/pace/history and /v1/rules/test: what the event log says of pace and of replies.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/text.h"
#include "httpd/detail/json_body.h"
#include "httpd/detail/members.h"
#include "httpd/detail/route.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;
using std::chrono::milliseconds;

constexpr milliseconds day{std::chrono::hours(24)};
constexpr std::string_view duration_expected = "a duration such as 90m, 24h or 7d";

or_refusal<milliseconds> parse_since(std::string_view text, milliseconds fallback) {
  if (text.empty()) return fallback;
  const auto given = parse_duration(text);
  if (given && given->count() > 0) return *given;
  return std::unexpected(error_response(400, "invalid_parameter",
                                        fmt::format("since: found \"{}\", expected {}", text, duration_expected)));
}

void add_log(json::object& to, const events::searched& log) {
  add_time(to, "log_from", log.from);
  to["log_events"] = log.events;
  to["log_cut"] = log.cut;
}

json::object change_object(const events::event& e) {
  json::object o{{"at", time_text(e.at)}, {"change", e.reason}};
  add_text(o, "stream", e.stream);
  add_text(o, "rule", e.origin);
  return o;
}

void history(const call& c, on_response done) {
  const auto back = parse_since(parameter(c.query, "since"), day);
  if (!back) return done(back.error());
  const auto max = number_parameter(c.query, "max", rows_usual, 1, rows_max);
  if (!max) return done(max.error());
  using answer = std::expected<pace_history_answer, std::string>;
  c.ask.operating().pace_history(c.id, *back, *max, [done = std::move(done)](const answer& got) mutable {
    if (!got) return done(error_response(404, "no_site", got.error(), "`gonets queue summary` lists sites"));
    json::array changes;
    for (const auto& e : got->changes)
      changes.push_back(change_object(e));
    json::object o{{"site", got->site}, {"changes", std::move(changes)}, {"changes_in_all", got->changes_in_all}};
    add_log(o, got->log);
    done(object_response(o));
  });
}

json::object judgement_object(const events::judgement& j) {
  json::object o{{"verdict", j.verdict}};
  add_text(o, "rule", j.rule);
  add_text(o, "about", j.about);
  return o;
}

json::object group_object(const events::rule_replay::group& g) {
  const auto& e = g.latest;
  json::object reply{{"code", e.answer.code}, {"text", e.answer.text}};
  add_text(reply, "status", to_text(e.answer.status));
  json::object example{
      {"at", time_text(e.at)}, {"message_id", to_text(e.message)}, {"recipient", e.recipients.front().address},
      {"site", e.route},       {"stage", to_text(e.at_stage)},     {"reply", std::move(reply)}};
  return {{"recipients", g.recipients},
          {"now", judgement_object(g.now)},
          {"then", judgement_object(g.then)},
          {"example", std::move(example)}};
}

void test_rules(const call& c, on_response done) {
  json_body body(c.asked.body);
  auto rules = body.text("rules");
  if (!rules && !body.failed()) body.expect("rules", "the text of a rules file");
  auto name = body.text("name").value_or("rules");
  const auto since = body.text("since").value_or("");
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  const auto back = parse_since(since, 7 * day);
  if (!back) return done(back.error());
  using answer = std::expected<rule_test_answer, std::vector<std::string>>;
  auto show = [done = std::move(done)](const answer& got) mutable {
    if (!got) {
      const auto more = got.error().size() > 1 ? fmt::format("and {} more", got.error().size() - 1) : std::string();
      return done(error_response(400, "invalid_rules", got.error().front(), more));
    }
    json::array groups;
    for (const auto& g : got->groups)
      groups.push_back(group_object(g));
    json::object o{{"replies", got->replies},
                   {"different", got->different},
                   {"same_by_another_rule", got->same_by_another_rule},
                   {"left_out", got->left_out},
                   {"groups", std::move(groups)}};
    add_log(o, got->log);
    done(object_response(o));
  };
  c.ask.operating().test_rules(std::move(*rules), std::move(name), *back, std::move(show));
}

}  // namespace

std::vector<route> operator_routes() {
  return {
      {"GET", "/v1/sites/{domain}/pace/history", history, {"since", "max"}},
      {"POST", "/v1/rules/test", test_rules, {}},
  };
}

}  // namespace gonets::httpd::detail
