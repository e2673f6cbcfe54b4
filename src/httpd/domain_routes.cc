// /v1/domains: sender domains, their keys, and what DNS says of them.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "domains/manager.h"
#include "httpd/detail/json_body.h"
#include "httpd/detail/route.h"
#include "httpd/domain_json.h"

namespace gonets::httpd::detail {
namespace {

using domains::domain_view;
using domains::which_domain;

response refusal_response(const domains::refusal& why) {
  struct row {
    domains::refusal_kind what;
    unsigned status;
    std::string_view code;
  };
  static constexpr std::array<row, 7> rows{{{domains::refusal_kind::not_found, 404, "not_found"},
                                            {domains::refusal_kind::exists, 409, "exists"},
                                            {domains::refusal_kind::invalid, 400, "invalid_value"},
                                            {domains::refusal_kind::conflict, 409, "conflict"},
                                            {domains::refusal_kind::limit, 409, "limit"},
                                            {domains::refusal_kind::unavailable, 503, "database_unavailable"},
                                            {domains::refusal_kind::failed, 500, "database_failed"}}};
  const auto* at = std::ranges::find(rows, why.what, &row::what);
  return at == rows.end() ? error_response(500, "database_failed", why.detail)
                          : error_response(at->status, at->code, why.detail);
}

domains::on_result<domain_view> show_result(on_response done) {
  return [done = std::move(done)](const std::expected<domain_view, domains::refusal>& result) mutable {
    done(result ? json_response(to_json(*result)) : refusal_response(result.error()));
  };
}

which_domain named(const call& c) {
  return {std::string(parameter(c.query, "account")), c.id};
}

void list_domains(const call& c, on_response done) {
  c.ask.domains().list(std::string(parameter(c.query, "account")), [done = std::move(done)](const auto& all) mutable {
    done(all ? json_response(domains_json(*all)) : refusal_response(all.error()));
  });
}

// A body may be absent where all of its members may.
json_body body_of(const call& c) {
  return json_body(c.asked.body.empty() ? std::string_view("{}") : std::string_view(c.asked.body));
}

void add_domain(const call& c, on_response done) {
  auto body = body_of(c);
  const auto name = body.text("domain");
  if (!name) body.expect("domain", "a domain");
  domains::addition wanted{
      {body.text("account").value_or(""), name.value_or("")}, body.text("return_path"), body.text("tracking")};
  if (auto refusal = body.refusal()) return done(std::move(*refusal));
  c.ask.domains().add(std::move(wanted), show_result(std::move(done)));
}

void show_domain(const call& c, on_response done) {
  c.ask.domains().show(named(c), show_result(std::move(done)));
}

void remove_domain(const call& c, on_response done) {
  c.ask.domains().remove(named(c), [done = std::move(done)](const auto& result) mutable {
    done(result ? json_response(R"({"removed":true})") : refusal_response(result.error()));
  });
}

void check(const call& c, on_response done) {
  c.ask.domains().check(named(c), show_result(std::move(done)));
}

void verify(const call& c, on_response done) {
  auto body = body_of(c);
  const bool force = body.flag("force").value_or(false);
  if (auto refusal = body.refusal()) return done(std::move(*refusal));
  c.ask.domains().verify(named(c), force, show_result(std::move(done)));
}

void rotate_keys(const call& c, on_response done) {
  auto body = body_of(c);
  const bool now = body.flag("now").value_or(false);
  if (auto refusal = body.refusal()) return done(std::move(*refusal));
  c.ask.domains().rotate(named(c), now, show_result(std::move(done)));
}

void import_key(const call& c, on_response done) {
  auto body = body_of(c);
  const auto selector = body.text("selector");
  const auto pem = body.text("pem");
  const bool now = body.flag("now").value_or(false);
  if (!selector) body.expect("selector", "the key's name in DNS");
  if (!pem) body.expect("pem", "a private key");
  if (auto refusal = body.refusal()) return done(std::move(*refusal));
  c.ask.domains().import_key(named(c), {*selector, *pem, now}, show_result(std::move(done)));
}

}  // namespace

std::vector<route> domain_routes() {
  return {
      {"GET", "/v1/domains", list_domains, {"account"}},
      {"POST", "/v1/domains", add_domain, {}},
      {"GET", "/v1/domains/{id}", show_domain, {"account"}},
      {"DELETE", "/v1/domains/{id}", remove_domain, {"account"}},
      {"POST", "/v1/domains/{id}/check", check, {"account"}},
      {"POST", "/v1/domains/{id}/verify", verify, {"account"}},
      {"POST", "/v1/domains/{id}/rotate", rotate_keys, {"account"}},
      {"POST", "/v1/domains/{id}/keys", import_key, {"account"}},
  };
}

}  // namespace gonets::httpd::detail
