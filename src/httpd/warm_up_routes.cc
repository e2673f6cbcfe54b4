// /v1/warm-ups: how far egresses are made known to providers.
#include <boost/json.hpp>

#include "httpd/detail/json_body.h"
#include "httpd/detail/members.h"
#include "httpd/detail/route.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;

constexpr std::uint64_t day_max = 365;

json::object line_object(const shaping::warm_up_book::line& l) {
  json::object o{{"egress", l.egress}, {"provider", l.provider}, {"state", l.cap ? "warming" : "warm"}};
  if (l.cap) {
    o["day"] = l.at.day;
    o["days"] = l.days;
    o["cap"] = *l.cap;
    add_time(o, "since", l.at.since);
    o["accepted"] = l.at.accepted;
    o["deferred"] = l.at.deferred;
    o["complained"] = l.at.complained;
    o["fell_back"] = l.at.fell_back;
    o["when_full"] = l.full == shaping::when_full::wait ? "wait" : "other_egress";
  }
  return o;
}

void list_warm_ups(const call& c, on_response done) {
  json::array all;
  for (const auto& l : c.ask.operating().warm_ups())
    all.push_back(line_object(l));
  done(object_response(json::object{{"warm_ups", std::move(all)}}));
}

void set(const call& c, on_response done) {
  json_body body(c.asked.body);
  warm_up_request to;
  to.egress = body.text("egress").value_or("");
  to.provider = body.text("provider").value_or("");
  const auto day = body.number("day", day_max);
  const bool warm = body.flag("warm").value_or(false);
  if (warm == day.has_value() || (day && *day == 0))
    body.refuse("one is needed of \"day\", from 1, and \"warm\": true");
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  if (day) to.day = static_cast<std::uint32_t>(*day);
  auto line = c.ask.operating().set_warm_up(to);
  if (!line) return done(std::move(line.error()));
  done(object_response(line_object(*line)));
}

}  // namespace

std::vector<route> warm_up_routes() {
  return {{"GET", "/v1/warm-ups", list_warm_ups, {}}, {"POST", "/v1/warm-ups", set, {}}};
}

}  // namespace gonets::httpd::detail
