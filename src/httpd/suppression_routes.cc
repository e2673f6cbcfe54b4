// /v1/suppressions: addresses that an account's mail is not sent to.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "httpd/detail/json_body.h"
#include "httpd/detail/members.h"
#include "httpd/detail/route.h"
#include "message/address.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;

constexpr std::size_t addresses_max = 10'000;
constexpr std::uint64_t rows_usual = 100, rows_max = 10'000;
constexpr std::uint64_t seconds_max = 3'153'600'000;

json::object row_object(const suppression::entry& e) {
  json::object o{{"address", e.address}};
  add_text(o, "stream", e.scope);
  o["reason"] = e.reason;
  if (e.source != message_id{}) o["message_id"] = to_text(e.source);
  add_time(o, "since", e.since);
  add_time(o, "expires", e.expires);
  return o;
}

void list(const call& c, on_response done) {
  const auto limit = number_parameter(c.query, "limit", rows_usual, 1, rows_max);
  if (!limit) return done(limit.error());
  c.ask.operating().suppressions(std::string(parameter(c.query, "account")), std::string(parameter(c.query, "address")),
                                 std::string(parameter(c.query, "after")), *limit,
                                 [done = std::move(done)](std::expected<suppression_page, response> got) mutable {
                                   if (!got) return done(std::move(got.error()));
                                   json::array rows;
                                   for (const auto& e : got->rows)
                                     rows.push_back(row_object(e));
                                   json::object o{{"suppressions", std::move(rows)}};
                                   add_text(o, "next", got->next);
                                   done(json_response(json::serialize(o)));
                                 });
}

std::optional<suppression_request> read_request(json_body& body) {
  suppression_request wanted;
  wanted.account = body.text("account").value_or("");
  wanted.stream = body.text("stream").value_or("");
  wanted.addresses = body.texts("addresses").value_or(std::vector<std::string>());
  if (wanted.addresses.empty() || wanted.addresses.size() > addresses_max)
    body.expect("addresses", fmt::format("1 to {} addresses", addresses_max));
  for (const auto& a : wanted.addresses) {
    if (!message::parse_address(a, true)) body.refuse(fmt::format("addresses: \"{}\" is not an address", a));
  }
  return wanted;
}

control::done<std::expected<std::uint64_t, response>> show_count(on_response done, std::string_view what) {
  return [done = std::move(done), what](std::expected<std::uint64_t, response> got) mutable {
    if (!got) return done(std::move(got.error()));
    done(json_response(json::serialize(json::object{{what, *got}})));
  };
}

void add(const call& c, on_response done) {
  json_body body(c.asked.body);
  auto wanted = read_request(body);
  const auto given = body.text("reason").value_or("manual");
  const auto lasts = body.number("expires_in", seconds_max);
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  auto reason = checked_reason(given);
  if (!reason) return done(std::move(reason.error()));
  wanted->reason = std::move(*reason);
  if (lasts) wanted->lasts = std::chrono::seconds(*lasts);
  c.ask.operating().change_suppressions(std::move(*wanted), show_count(std::move(done), "added"));
}

void remove(const call& c, on_response done) {
  json_body body(c.asked.body);
  auto wanted = read_request(body);
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  wanted->remove = true;
  c.ask.operating().change_suppressions(std::move(*wanted), show_count(std::move(done), "removed"));
}

}  // namespace

std::vector<route> suppression_routes() {
  return {
      {"GET", "/v1/suppressions", list, {"account", "address", "after", "limit"}},
      {"POST", "/v1/suppressions", add, {}},
      {"POST", "/v1/suppressions/remove", remove, {}},
  };
}

}  // namespace gonets::httpd::detail
