// /v1/sites: how fast a domain's site is sent to, and why no faster.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "httpd/detail/json_body.h"
#include "httpd/detail/members.h"
#include "httpd/detail/route.h"
#include "shaping/verdict.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;

wall_time from_ms(std::int64_t ms) {
  return wall_time(std::chrono::milliseconds(ms));
}

std::string site_json(const scheduler::site_view& v) {
  json::object o{{"site", v.site}, {"egress", v.egress}, {"state", v.state}};
  add_text(o, "provider", v.provider);
  add_text(o, "reason", v.reason);
  add_time(o, "until", from_ms(v.until_ms));
  o["waiting"] = v.waiting;
  o["sending"] = v.sending;
  o["connections"] = v.connections;
  o["connections_max"] = v.connections_max;
  o["paced"] = v.paced;
  if (v.paced) o["start_rate"] = v.start_rate;
  json::array streams;
  for (const auto& s : v.streams) {
    json::object one{
        {"name", s.name}, {"waiting", s.waiting}, {"rate", s.rate}, {"phase", s.phase}, {"connections", s.connections}};
    if (s.good_rate > 0) one["good_rate"] = s.good_rate;
    add_text(one, "slowed_by", s.slowed);
    add_time(one, "slowed_until", from_ms(s.slowed_until_ms));
    streams.push_back(std::move(one));
  }
  o["streams"] = std::move(streams);
  json::array limits;
  for (const auto& l : v.limits) {
    json::object one{{"what", l.what}, {"used", l.used}, {"max", l.max}, {"blocks", l.blocks}};
    one["level"] = shaping::to_text(l.level);
    one["kind"] = shaping::to_text(l.kind);
    if (const auto window = shaping::window_of(l.kind); window > 0) one["window_s"] = window;
    add_time(one, "until", from_ms(l.until_ms));
    limits.push_back(std::move(one));
  }
  o["limits"] = std::move(limits);
  return json::serialize(o);
}

control::done<site_answer> show_answer(on_response done) {
  return [done = std::move(done)](site_answer answer) mutable {
    if (answer) return done(json_response(site_json(*answer)));
    done(error_response(404, "no_site", answer.error(), "a site is named by a domain that mail can be sent to"));
  };
}

void show_site(const call& c, on_response done) {
  site_viewer by{std::string(parameter(c.query, "stream")), std::string(parameter(c.query, "account"))};
  c.ask.view_site(c.id, std::move(by), show_answer(std::move(done)));
}

void pin(const call& c, on_response done) {
  json_body body(c.asked.body);
  site_pin to;
  const auto rate = body.word("rate", shaping::parse_rate, "a number a second, minute, hour or day, such as \"20/m\"");
  if (!rate && !body.failed()) body.expect("rate", "a number a second, minute, hour or day, such as \"20/m\"");
  if (const auto n = body.number("connections", 10'000)) {
    if (*n == 0) body.expect("connections", "a number from 1 to 10000");
    to.connections = static_cast<unsigned>(*n);
  }
  to.stream = body.text("stream").value_or("");
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  to.rate = 1000.0 * rate->messages / double(rate->per.count());
  c.ask.pin_site(c.id, to, show_answer(std::move(done)));
}

void release(const call& c, on_response done) {
  c.ask.release_site(c.id, std::string(parameter(c.query, "stream")), show_answer(std::move(done)));
}

}  // namespace

std::vector<route> site_routes() {
  return {
      {"GET", "/v1/sites/{domain}", show_site, {"stream", "account"}},
      {"PUT", "/v1/sites/{domain}/pace", pin, {}},
      {"DELETE", "/v1/sites/{domain}/pace", release, {"stream"}},
  };
}

}  // namespace gonets::httpd::detail
