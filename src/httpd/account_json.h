// The JSON form of accounts, plans, credentials and sender domains. No secret is ever in it.
#pragma once
#include <boost/json.hpp>

#include "accounts/directory.h"
#include "httpd/control.h"

namespace gonets::httpd {

boost::json::object to_object(const accounts::quota& q);
boost::json::object to_object(const accounts::quota& q, const quota_use& use);
boost::json::object to_object(const accounts::plan& p);
boost::json::object to_object(const accounts::credential& c);
boost::json::object to_object(const accounts::sender_domain& d);
boost::json::object to_object(const bounce::suppression_policy& p);
// With the quotas that count, the plan's included; and how many credentials and domains there are.
boost::json::object to_object(const accounts::account& a, const accounts::directory& in);

}  // namespace gonets::httpd
