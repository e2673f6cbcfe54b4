// Members of JSON objects that are left out when there is nothing to say.
#pragma once
#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "httpd/json.h"

namespace gonets::httpd::detail {

inline void add_text(boost::json::object& to, std::string_view name, std::string_view text) {
  if (!text.empty()) to[name] = text;
}
inline void add_time(boost::json::object& to, std::string_view name, wall_time t) {
  if (t != wall_time{}) to[name] = time_text(t);
}

}  // namespace gonets::httpd::detail
