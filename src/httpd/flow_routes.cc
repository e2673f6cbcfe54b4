// /v1/flow: how mail flows now, for who watches it.
#include <boost/json.hpp>

#include "httpd/detail/members.h"
#include "httpd/detail/route.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;

constexpr std::uint64_t flow_rows_usual = 200;

json::object row_object(const flow_row& r) {
  json::object o{{"delivered", r.counts.delivered},
                 {"deferred", r.counts.deferred},
                 {"failed", r.counts.failed},
                 {"waiting", r.waiting},
                 {"sending", r.sending},
                 {"retrying", r.deferred},
                 {"held", r.held},
                 {"connections", r.connections}};
  add_time(o, "oldest", r.oldest);
  return o;
}

std::optional<flow_by> by_of(std::string_view word) {
  if (word == "provider" || word.empty()) return flow_by::provider;
  if (word == "site") return flow_by::site;
  if (word == "account") return flow_by::account;
  if (word == "egress") return flow_by::egress;
  return std::nullopt;
}

void show_flow(const call& c, on_response done) {
  const auto by = by_of(parameter(c.query, "by"));
  if (!by) return done(error_response(400, "invalid_value", "\"by\" is one of provider, site, account and egress"));
  const auto max = number_parameter(c.query, "max", flow_rows_usual, 1, rows_max);
  if (!max) return done(max.error());
  c.ask.operating().flow(*by, *max, [done = std::move(done)](flow_answer answer) mutable {
    json::array rows;
    for (const auto& r : answer.rows) {
      auto o = row_object(r);
      o["name"] = r.name;
      rows.push_back(std::move(o));
    }
    json::object o{{"at", time_text(answer.at)},
                   {"rows", std::move(rows)},
                   {"rows_in_all", answer.rows_in_all},
                   {"total", row_object(answer.total)}};
    done(object_response(o));
  });
}

}  // namespace

std::vector<route> flow_routes() {
  return {{"GET", "/v1/flow", show_flow, {"by", "max"}}};
}

}  // namespace gonets::httpd::detail
