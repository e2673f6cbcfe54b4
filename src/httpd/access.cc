#include "httpd/access.h"

#include "base/text.h"

namespace gonets::httpd {
namespace {

response unauthorized(std::string_view code, std::string_view message, std::string_view hint) {
  auto r = error_response(401, code, message, hint);
  r.authenticate = "Bearer";
  return r;
}

}  // namespace

std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (to_lower(authorization.substr(0, scheme.size())) != scheme) return {};
  return authorization.substr(scheme.size());
}

response key_needed() {
  return unauthorized("key_needed", "over TCP an API key is needed",
                      "send `Authorization: Bearer LOGIN.SECRET`, or use the Unix socket");
}

std::optional<response> refuse_key(const key_verdict& with, const route_access& to) {
  switch (with.what) {
    case key_verdict::granted:
      break;
    case key_verdict::refused:
      return unauthorized("invalid_key", "the API key is not valid here", "it may be revoked, or bound to a network");
    case key_verdict::unavailable:
      return error_response(503, "unavailable", "the API key can't be verified at present", "try again later");
  }
  if (!with.account.empty() && !to.for_accounts) {
    return error_response(403, "forbidden", "this needs a key of the account `default`",
                          "keys of other accounts see their own queue only");
  }
  if (to.scope == needs::admin ? !with.admin : !with.read && !with.admin) {
    return error_response(
        403, "forbidden",
        to.scope == needs::admin ? "this needs a key with the scope admin" : "this needs a key with the scope read");
  }
  return std::nullopt;
}

}  // namespace gonets::httpd
