// /v1/egresses: by which ways mail leaves, and which of them work.
#include <boost/json.hpp>

#include "httpd/detail/members.h"
#include "httpd/detail/route.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;

void list_egresses(const call& c, on_response done) {
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
    if (!e.listings.empty()) {
      json::array listings;
      for (const auto& l : e.listings) {
        json::object one{{"address", l.address}, {"zone", l.zone}};
        add_text(one, "reason", l.reason);
        add_time(one, "since", l.since);
        listings.push_back(std::move(one));
      }
      o["listings"] = std::move(listings);
      o["taken_out"] = e.taken_out;
    }
    all.push_back(std::move(o));
  }
  json::array lists;
  for (const auto& l : c.ask.blocklists()) {
    json::object o{{"zone", l.zone}, {"believed", l.trouble.empty() && l.checked != wall_time{}}};
    add_text(o, "trouble", l.trouble);
    add_time(o, "checked", l.checked);
    lists.push_back(std::move(o));
  }
  done(object_response(json::object{{"egresses", std::move(all)}, {"blocklists", std::move(lists)}}));
}

}  // namespace

std::vector<route> egress_routes() {
  return {{"GET", "/v1/egresses", list_egresses, {}}};
}

}  // namespace gonets::httpd::detail
