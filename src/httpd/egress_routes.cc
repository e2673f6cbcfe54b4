// /v1/egresses: by which ways mail leaves, and which of them work.
#include <boost/json.hpp>

#include "httpd/detail/members.h"
#include "httpd/detail/route.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;

void list(const call& c, on_response done) {
  json::array all;
  for (const auto& e : c.ask.egresses()) {
    json::object o{{"name", e.name}, {"state", e.up ? "up" : "down"}};
    add_text(o, "reason", e.reason);
    add_time(o, "since", e.since);
    add_time(o, "until", e.until);
    add_text(o, "source_ipv4", e.source_ipv4);
    add_text(o, "source_ipv6", e.source_ipv6);
    add_text(o, "helo", e.helo);
    add_text(o, "proxy", e.proxy);
    o["pools"] = json::array(e.pools.begin(), e.pools.end());
    all.push_back(std::move(o));
  }
  done(json_response(json::serialize(json::object{{"egresses", std::move(all)}})));
}

}  // namespace

std::vector<route> egress_routes() {
  return {{"GET", "/v1/egresses", list, {}}};
}

}  // namespace gonets::httpd::detail
