#include "httpd/detail/guard.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace gonets::httpd::detail {

bool is_loopback_name(std::string_view host_and_port) {
  std::string_view host = host_and_port;
  std::string_view port;
  const auto colon = host.find(':', host.starts_with('[') ? host.find(']') : 0);
  if (colon != std::string_view::npos) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (!std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; })) return false;
  if (host == "[::1]" || to_lower(host) == "localhost") return true;
  in_addr v4{};
  return ::inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

std::optional<response> refuse_foreign(const request& asked) {
  if (!asked.over_tcp || !asked.authorization.empty()) return std::nullopt;  // no page can make a browser send a key
  if (!is_loopback_name(asked.host)) {
    return error_response(403, "forbidden_host",
                          fmt::format("the Host \"{}\" is not a name of this machine's loopback", asked.host),
                          "use localhost, 127.0.0.1 or [::1], or the Unix socket");
  }
  if (asked.has_origin) {
    return error_response(403, "forbidden_origin", "requests of web pages are refused without an API key",
                          "send no Origin, or an API key, or use the Unix socket");
  }
  return std::nullopt;
}

}  // namespace gonets::httpd::detail
