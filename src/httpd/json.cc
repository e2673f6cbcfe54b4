#include "httpd/json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "httpd/detail/members.h"

namespace gonets::httpd {
namespace {
namespace json = boost::json;

using detail::add_text;
using detail::add_time;

json::object row_object(const queue_row& row) {
  json::object o{{"message_id", to_text(row.id)},
                 {"index", row.index.value},
                 {"state", row.state},
                 {"sender", row.sender},
                 {"recipient", row.recipient},
                 {"message_bytes", row.message_bytes},
                 {"accepted", time_text(row.accepted)},
                 {"attempts", row.attempts}};
  add_text(o, "account", row.account);
  add_text(o, "stream", row.stream);
  add_time(o, "next_attempt", row.next_attempt);
  add_text(o, "site", row.site);
  if (row.last_stage != stage::none) o["last_stage"] = to_text(row.last_stage);
  if (row.last_answer.code != 0) {
    json::object answer{{"code", row.last_answer.code}, {"text", row.last_answer.text}};
    add_text(answer, "status", to_text(row.last_answer.status));
    o["last_reply"] = std::move(answer);
  }
  add_text(o, "hold_reason", row.hold_reason);
  add_time(o, "release_at", row.release_at);
  add_time(o, "deliver_by", row.deliver_by);
  return o;
}

// Events come as text already; building them once more as values would double the work.
std::string events_array(std::span<const events::event> all, const accounts::directory& known) {
  std::string text = "[";
  for (const auto& e : all) {
    if (text.size() > 1) text += ',';
    const auto* owner = known.find(e.account);
    text += events::to_json(e, owner != nullptr ? owner->name : std::string_view(), events::with_transcript::yes);
  }
  return text += ']';
}

}  // namespace

std::string time_text(wall_time t) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(t);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (t - seconds).count());
}

std::string to_json(const queue_summary& s) {
  json::array sites;
  for (const auto& line : s.lines) {
    json::object o{{"site", line.site},         {"ready", line.ready}, {"sending", line.sending},
                   {"deferred", line.deferred}, {"held", line.held},   {"connections", line.connections}};
    add_text(o, "state", line.site_state);
    add_text(o, "reason", line.site_reason);
    add_time(o, "oldest", line.oldest);
    add_time(o, "next_attempt", line.next_attempt);
    sites.push_back(std::move(o));
  }
  return json::serialize(json::object{{"ready", s.ready},
                                      {"sending", s.sending},
                                      {"deferred", s.deferred},
                                      {"held", s.held},
                                      {"resolving", s.resolving},
                                      {"loading", s.loading},
                                      {"sites", std::move(sites)},
                                      {"sites_in_all", s.lines_in_all}});
}

std::string to_json(const queue_page& p) {
  json::array rows;
  for (const auto& row : p.rows)
    rows.push_back(row_object(row));
  return json::serialize(json::object{{"rows", std::move(rows)}, {"matching", p.matching}});
}

std::string to_json(const audit_report& r) {
  json::array problems;
  for (const auto& p : r.problems) {
    problems.push_back(json::object{{"message_id", to_text(p.id)}, {"detail", p.detail}});
  }
  return json::serialize(json::object{{"balanced", r.balanced()},
                                      {"messages", r.messages},
                                      {"accepted", r.accepted},
                                      {"delivered", r.delivered},
                                      {"bounced", r.bounced},
                                      {"expired", r.expired},
                                      {"cancelled", r.cancelled},
                                      {"discarded", r.discarded},
                                      {"suppressed", r.suppressed},
                                      {"queued", r.queued},
                                      {"problems", std::move(problems)},
                                      {"problems_in_all", r.problems_in_all}});
}

std::string to_json(const readiness& r) {
  json::object o{{"ready", r.ready}};
  if (!r.ready) add_text(o, "reason", r.reason);
  return json::serialize(o);
}

std::string trace_json(message_id id, std::span<const events::event> all, const accounts::directory& known) {
  return fmt::format(R"({{"message_id":"{}","events":{}}})", to_text(id), events_array(all, known));
}

std::string why_json(message_id id, std::span<const why_row> rows) {
  json::array recipients;
  for (const auto& w : rows) {
    json::object o = row_object(w.row);
    json::array obstacles;
    for (const auto& in_the_way : w.obstacles) {
      json::object obstacle{{"what", in_the_way.what}, {"detail", in_the_way.detail}};
      add_time(obstacle, "until", in_the_way.until);
      obstacles.push_back(std::move(obstacle));
    }
    o["obstacles"] = std::move(obstacles);
    add_time(o, "expected", w.expected);
    recipients.push_back(std::move(o));
  }
  return json::serialize(json::object{{"message_id", to_text(id)}, {"recipients", std::move(recipients)}});
}

std::string events_json(const event_page& page) {
  std::string text = R"({"events":[)";
  for (const auto& e : page.events) {
    if (&e != &page.events.front()) text += ',';
    text += e.json;
  }
  text += fmt::format(R"(],"next":"{}")", page.next.value);
  if (page.lost != 0) text += fmt::format(R"(,"lost":{})", page.lost);
  if (page.log_replaced) text += R"(,"log_replaced":true)";
  return text += '}';
}

std::string capture_json(std::span<const captured_message> all) {
  json::array messages;
  for (const auto& m : all) {
    json::object o{
        {"id", m.id}, {"at", time_text(m.at)}, {"sender", m.sender}, {"recipient", m.recipient}, {"bytes", m.bytes}};
    add_text(o, "queue_id", m.queue_id);
    add_text(o, "from", m.from);
    add_text(o, "subject", m.subject);
    messages.push_back(std::move(o));
  }
  return json::serialize(json::object{{"messages", std::move(messages)}});
}

std::string lockouts_json(std::span<const lockout_row> rows) {
  json::array all;
  for (const auto& row : rows) {
    json::object o{{"of", row.of}, {"name", row.name}, {"failures", row.failures}};
    add_time(o, "locked_until", row.locked_until);
    all.push_back(std::move(o));
  }
  return json::serialize(json::object{{"lockouts", std::move(all)}});
}

std::string affected_json(std::uint64_t recipients) {
  return fmt::format(R"({{"affected":{}}})", recipients);
}

}  // namespace gonets::httpd
