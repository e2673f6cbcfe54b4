// What the accounts' database refused, as an answer.
#pragma once
#include "accounts/registry.h"
#include "httpd/exchange.h"
#include "httpd/json.h"

namespace gonets::httpd::detail {

inline response refused(const accounts::refusal& r) {
  using accounts::refusal_kind;
  switch (r.what) {
    case refusal_kind::not_found:
      return error_response(404, "not_found", r.detail);
    case refusal_kind::exists:
      return error_response(409, "exists", r.detail);
    case refusal_kind::invalid:
      return error_response(400, "invalid_value", r.detail);
    case refusal_kind::conflict:
      return error_response(409, "conflict", r.detail);
    case refusal_kind::limit:
      return error_response(409, "limit", r.detail);
    case refusal_kind::unavailable:
      return error_response(503, "database_unavailable", r.detail, "try again later");
    case refusal_kind::failed:
      break;
  }
  return error_response(500, "database_failed", r.detail);
}

}  // namespace gonets::httpd::detail
