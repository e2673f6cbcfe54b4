// One line of the table of routes, and what its handler gets.
#pragma once
#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "httpd/access.h"
#include "httpd/control.h"
#include "httpd/exchange.h"
#include "httpd/query.h"
#include "httpd/router.h"

namespace gonets::httpd::detail {

struct call {
  parameters query;
  std::string id;        // what stands for the first {...} of the pattern
  std::string sub_id;    // and for the second
  const request& asked;  // only until the handler returns
  control& ask;
  asker as{};
};

struct route {
  std::string_view method, pattern;
  void (*handler)(const call&, on_response);
  std::vector<std::string_view> parameters;
  route_access access{};
};

response json_response(std::string body, unsigned status = 200);
response object_response(const boost::json::object& o, unsigned status = 200);

std::vector<route> account_routes();
std::vector<route> domain_routes();
std::vector<route> domain_report_routes();
std::vector<route> tls_routes();
std::vector<route> site_routes();
std::vector<route> egress_routes();
std::vector<route> operator_routes();
std::vector<route> hold_routes();
std::vector<route> suppression_routes();
std::vector<route> message_routes();
std::vector<route> webhook_routes();
std::vector<route> statistics_routes();
std::vector<route> warm_up_routes();
std::vector<route> flow_routes();
std::vector<route> event_routes();

}  // namespace gonets::httpd::detail
