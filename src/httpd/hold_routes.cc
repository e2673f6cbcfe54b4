// /v1/holds: what is kept back until it is released, also of what is yet to come.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "httpd/detail/json_body.h"
#include "httpd/detail/members.h"
#include "httpd/detail/route.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;

constexpr std::uint64_t hold_id_max = 4'294'967'295;

json::object row_object(const hold_row& row) {
  json::object o{{"id", row.hold.id.value}};
  add_text(o, "account", row.account);
  add_text(o, "stream", row.hold.stream);
  add_text(o, "domain", row.hold.domain);
  add_text(o, "provider", row.hold.provider);
  add_text(o, "campaign", row.hold.campaign);
  add_text(o, "tag", row.hold.tag);
  add_text(o, "reason", row.hold.reason);
  add_time(o, "since", row.hold.since);
  o["recipients"] = row.recipients;
  return o;
}

control::done<std::expected<hold_row, response>> show_hold(on_response done, unsigned status) {
  return [done = std::move(done), status](std::expected<hold_row, response> got) mutable {
    if (!got) return done(std::move(got.error()));
    done(object_response(row_object(*got), status));
  };
}

void list_holds(const call& c, on_response done) {
  c.ask.operating().holds([done = std::move(done)](const std::vector<hold_row>& rows) mutable {
    json::array holds;
    for (const auto& row : rows)
      holds.push_back(row_object(row));
    done(object_response(json::object{{"holds", std::move(holds)}}));
  });
}

void add_hold(const call& c, on_response done) {
  json_body body(c.asked.body);
  hold_request wanted;
  wanted.account = body.text("account").value_or("");
  wanted.stream = body.text("stream").value_or("");
  wanted.domain = body.text("domain").value_or("");
  wanted.provider = body.text("provider").value_or("");
  wanted.campaign = body.text("campaign").value_or("");
  wanted.tag = body.text("tag").value_or("");
  const auto given = body.text("reason").value_or("");
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  auto reason = checked_reason(given);
  if (!reason) return done(std::move(reason.error()));
  wanted.reason = std::move(*reason);
  c.ask.operating().add_hold(std::move(wanted), show_hold(std::move(done), 201));
}

void release_hold(const call& c, on_response done) {
  const auto id = number_parameter({{"id", c.id}}, "id", 0, 1, hold_id_max);
  if (!id) return done(id.error());
  c.ask.operating().release_hold(scheduler::hold_id{static_cast<std::uint32_t>(*id)}, show_hold(std::move(done), 200));
}

}  // namespace

std::vector<route> hold_routes() {
  return {
      {"GET", "/v1/holds", list_holds, {}},
      {"POST", "/v1/holds", add_hold, {}},
      {"DELETE", "/v1/holds/{id}", release_hold, {}},
  };
}

}  // namespace gonets::httpd::detail
