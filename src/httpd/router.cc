#include "httpd/router.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

#include "httpd/access.h"
#include "httpd/detail/guard.h"
#include "httpd/detail/route.h"
#include "httpd/json.h"
#include "httpd/query.h"
#include "message/valid_utf8.h"

namespace gonets::httpd {
namespace {

constexpr std::uint64_t lines_by_default = 50;
constexpr std::size_t capture_id_bytes_max = 64;

using detail::call;
using detail::json_response;
using detail::route;

response mail_response(std::string content) {
  return {.content_type = "message/rfc822", .body = std::move(content)};
}

response not_queued(message_id id) {
  return error_response(404, "not_queued", fmt::format("no message {} is queued", to_text(id)),
                        fmt::format("if it has ended, `gonets trace {}` tells how", to_text(id)));
}

void healthz(const call&, on_response done) {
  done(json_response(R"({"status":"ok"})"));
}

void readyz(const call& c, on_response done) {
  const auto state = c.ask.ready();
  done({.status = state.ready ? 200u : 503u, .body = to_json(state)});
}

void metrics_page(const call& c, on_response done) {
  done({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = c.ask.metrics_page()});
}

void version(const call&, on_response done) {
  done(json_response(R"({"name":"gonets","version":")" GONETS_VERSION R"("})"));
}

void summary(const call& c, on_response done) {
  const auto lines = number_parameter(c.query, "lines", lines_by_default, 1, rows_max);
  if (!lines) return done(lines.error());
  c.ask.summary(*lines, [done = std::move(done)](const queue_summary& s) mutable { done(json_response(to_json(s))); });
}

void list(const call& c, on_response done) {
  auto which = filter_from_query(c.query);
  if (!which) return done(std::move(which.error()));
  const auto max = number_parameter(c.query, "max", rows_usual, 1, rows_max);
  if (!max) return done(max.error());
  if (!c.as.account.empty()) {
    if (!which->account.empty() && which->account != c.as.account)
      return done(error_response(403, "forbidden", "this key sees the queue of its own account only"));
    which->account = c.as.account;
  }
  c.ask.list(std::move(*which), *max,
             [done = std::move(done)](const queue_page& page) mutable { done(json_response(to_json(page))); });
}

void show(const call& c, on_response done) {
  const auto id = parse_id(c.id);
  if (!id) return done(id.error());
  c.ask.show(*id, [done = std::move(done), id = *id](const std::optional<queue_page>& page) mutable {
    done(page ? json_response(to_json(*page)) : not_queued(id));
  });
}

void content(const call& c, on_response done) {
  const auto id = parse_id(c.id);
  if (!id) return done(id.error());
  c.ask.content(*id, [done = std::move(done), id = *id](std::optional<std::string> text) mutable {
    done(text ? mail_response(std::move(*text)) : not_queued(id));
  });
}

void remove_message(const call& c, on_response done) {
  const auto id = parse_id(c.id);
  if (!id) return done(id.error());
  auto reason = checked_reason(parameter(c.query, "reason"));
  if (!reason) return done(std::move(reason.error()));
  queue_filter which;
  which.id = *id;
  c.ask.act(std::move(which), queue_action::remove, std::move(*reason),
            [done = std::move(done), id = *id](std::uint64_t affected) mutable {
              done(affected != 0 ? json_response(affected_json(affected)) : not_queued(id));
            });
}

void act(const call& c, on_response done) {
  auto wanted = parse_action(c.asked.body);
  if (!wanted) return done(std::move(wanted.error()));
  c.ask.act(std::move(wanted->filter), wanted->action, std::move(wanted->reason),
            [done = std::move(done)](std::uint64_t affected) mutable { done(json_response(affected_json(affected))); });
}

void trace(const call& c, on_response done) {
  const auto id = parse_id(c.id);
  if (!id) return done(id.error());
  c.ask.trace(*id, [done = std::move(done), id = *id, &ask = c.ask](const std::vector<events::event>& all) mutable {
    if (!all.empty()) return done(json_response(trace_json(id, all, *ask.accounts_now())));
    done(error_response(404, "not_found", fmt::format("nothing is known of a message {}", to_text(id)),
                        "events are kept for spool.event_retention; an older message has left no trace"));
  });
}

void why(const call& c, on_response done) {
  const auto id = parse_id(c.id);
  if (!id) return done(id.error());
  c.ask.why(*id, [done = std::move(done), id = *id](const std::vector<why_row>& rows) mutable {
    done(rows.empty() ? not_queued(id) : json_response(why_json(id, rows)));
  });
}

void audit(const call& c, on_response done) {
  c.ask.audit([done = std::move(done)](const audit_report& report) mutable { done(json_response(to_json(report))); });
}

void captured(const call& c, on_response done) {
  const auto max = number_parameter(c.query, "max", rows_usual, 1, rows_max);
  if (!max) return done(max.error());
  c.ask.captured(*max, [done = std::move(done)](const std::vector<captured_message>& all) mutable {
    done(json_response(capture_json(all)));
  });
}

// Whatever `control` makes of an id, it is never a path.
bool may_be_capture_id(std::string_view id) {
  return !id.empty() && id.size() <= capture_id_bytes_max && id.front() != '.' &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
                  c == '.';
         });
}

void captured_content(const call& c, on_response done) {
  const auto missing = [](std::string_view id) {
    return error_response(404, "not_found", fmt::format("no captured message \"{}\"", id),
                          "`gonets capture` lists what there is");
  };
  if (!may_be_capture_id(c.id)) return done(missing(c.id));
  c.ask.captured_content(c.id, [done = std::move(done), id = c.id, missing](std::optional<std::string> text) mutable {
    done(text ? mail_response(std::move(*text)) : missing(id));
  });
}

void lockouts(const call& c, on_response done) {
  const auto max = number_parameter(c.query, "max", rows_usual, 1, rows_max);
  if (!max) return done(max.error());
  c.ask.lockouts(*max, [done = std::move(done)](const std::vector<lockout_row>& rows) mutable {
    done(json_response(lockouts_json(rows)));
  });
}

void unlock(const call& c, on_response done) {
  c.ask.unlock(c.id, [done = std::move(done), what = c.id](bool found) mutable {
    if (found) return done(json_response("{}"));
    done(error_response(404, "not_found", fmt::format("no failed login of \"{}\" is known", what),
                        "`gonets auth lockouts` lists what there is"));
  });
}

// By default GET needs a key that may read, any other method one that may administer.
route_access access_to(const route& r) {
  auto access = r.access;
  if (access.scope == needs::read && r.method != "GET") access.scope = needs::admin;
  return access;
}

constexpr route_access open_to_all{needs::nothing};
constexpr route_access open_to_accounts{needs::read, true};

std::vector<std::string_view> list_parameters() {
  auto names = filter_names();
  names.push_back("max");
  return names;
}

const std::vector<route>& table() {
  static const std::vector<route> all = [] {
    std::vector<route> routes{
        {"GET", "/healthz", healthz, {}, open_to_all},
        {"GET", "/readyz", readyz, {}, open_to_all},
        {"GET", "/metrics", metrics_page, {}, open_to_all},
        {"GET", "/v1/version", version, {}, open_to_accounts},
        {"GET", "/v1/queue", summary, {"lines"}},
        {"GET", "/v1/queue/messages", list, list_parameters(), open_to_accounts},
        {"GET", "/v1/queue/messages/{id}", show, {}},
        {"DELETE", "/v1/queue/messages/{id}", remove_message, {"reason"}},
        {"GET", "/v1/queue/messages/{id}/content", content, {}},
        {"POST", "/v1/queue/actions", act, {}},
        {"GET", "/v1/messages/{id}/trace", trace, {}},
        {"GET", "/v1/messages/{id}/why", why, {}},
        {"GET", "/v1/audit", audit, {}},
        {"GET", "/v1/auth/lockouts", lockouts, {"max"}},
        {"DELETE", "/v1/auth/lockouts/{id}", unlock, {}},
        {"GET", "/v1/capture", captured, {"max"}},
        {"GET", "/v1/capture/{id}", captured_content, {}},
    };
    for (auto* more : {detail::account_routes, detail::domain_routes, detail::domain_report_routes, detail::tls_routes,
                       detail::site_routes, detail::operator_routes, detail::egress_routes, detail::hold_routes,
                       detail::suppression_routes, detail::message_routes, detail::webhook_routes,
                       detail::statistics_routes, detail::warm_up_routes, detail::flow_routes, detail::event_routes})
      std::ranges::move(more(), std::back_inserter(routes));
    return routes;
  }();
  return all;
}

// Whether `path` is what `pattern` says; each {...} takes one whole segment, which goes to `ids`.
bool matches(std::string_view pattern, const std::vector<std::string>& path, std::vector<std::string>& ids) {
  ids.clear();
  std::size_t used = 0;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);  // the slash
    const auto segment = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(segment.size());
    if (used == path.size()) return false;
    const auto& given = path[used++];
    if (segment.starts_with('{')) {
      ids.push_back(given);
    } else if (segment != given) {
      return false;
    }
  }
  return used == path.size();
}

response unknown_path(std::string_view shown) {
  return error_response(404, "unknown_path", fmt::format("there is nothing at {}", shown),
                        "api/openapi.yaml lists the paths; /v1/queue is one of them");
}

response wrong_method(std::string_view method, const std::vector<std::string_view>& allowed) {
  auto refusal = error_response(405, "method_not_allowed",
                                fmt::format("{} is not for this path; allowed: {}", method, fmt::join(allowed, ", ")));
  refusal.allow = fmt::format("{}", fmt::join(allowed, ", "));
  return refusal;
}

// Answers by `r` once the key, where one is needed, is known to be good for it.
void answer_by(const route& r, call c, on_response done) {
  const auto access = access_to(r);
  if (!c.asked.over_tcp || access.scope == needs::nothing) return r.handler(c, std::move(done));
  const auto key = bearer_of(c.asked.authorization);
  if (key.empty()) return done(key_needed());
  // The request lives on, as the verdict may come after handle() has returned.
  auto asked = std::make_shared<const request>(c.asked);
  c.ask.check_key(std::string(key), asked->peer,
                  [&r, access, asked, query = std::move(c.query), id = std::move(c.id), sub_id = std::move(c.sub_id),
                   &ask = c.ask, done = std::move(done)](key_verdict v) mutable {
                    if (auto refusal = refuse_key(v, access)) return done(std::move(*refusal));
                    r.handler({std::move(query), std::move(id), std::move(sub_id), *asked, ask, {std::move(v.account)}},
                              std::move(done));
                  });
}

}  // namespace

response detail::object_response(const boost::json::object& o, unsigned status) {
  return json_response(boost::json::serialize(o), status);
}

response detail::json_response(std::string body, unsigned status) {
  return {.status = status, .body = message::valid_utf8(std::move(body))};
}

void handle(const request& asked, control& ask, on_response done) {
  if (auto refusal = detail::refuse_foreign(asked)) return done(std::move(*refusal));
  auto where = parse_target(asked.target);
  if (!where) {
    return done(error_response(400, "bad_request", "the request's target is not a path with correct percent-encoding"));
  }
  const std::string_view method = asked.method == "HEAD" ? "GET" : std::string_view(asked.method);
  std::vector<std::string_view> allowed;
  std::vector<std::string> ids;
  for (const auto& r : table()) {
    if (!matches(r.pattern, where->path, ids)) continue;
    if (r.method != method) {
      allowed.push_back(r.method);
      continue;
    }
    if (auto known = check_parameters(where->query, r.parameters); !known) return done(std::move(known.error()));
    ids.resize(2);
    return answer_by(r, {std::move(where->query), std::move(ids[0]), std::move(ids[1]), asked, ask}, std::move(done));
  }
  if (!allowed.empty()) return done(wrong_method(asked.method, allowed));
  done(unknown_path(asked.target.substr(0, asked.target.find('?'))));
}

request_handler handler_of(control& ask) {
  return [&ask](const request& asked, on_response done) { handle(asked, ask, std::move(done)); };
}

std::vector<route_name> routes() {
  std::vector<route_name> names;
  for (const auto& r : table())
    names.push_back({r.method, r.pattern});
  return names;
}

}  // namespace gonets::httpd
