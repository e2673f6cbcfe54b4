// /v1/suppressions: addresses that an account's mail is not sent to. An account's own key has its own list.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/text.h"
#include "httpd/account_json.h"
#include "httpd/detail/json_body.h"
#include "httpd/detail/members.h"
#include "httpd/detail/route.h"
#include "message/address.h"
#include "message/list_id.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;

constexpr std::size_t addresses_max = 10'000;
constexpr std::uint64_t suppression_rows_max = 10'000;
constexpr std::uint64_t seconds_max = 3'153'600'000;

json::object row_object(const suppression::entry& e) {
  json::object o{{"address", e.address}};
  const auto list = suppression::list_in(e.scope);
  if (list.empty())
    add_text(o, "stream", e.scope);
  else
    o["list"] = list;
  o["reason"] = e.reason;
  if (e.source != message_id{}) o["message_id"] = to_text(e.source);
  add_time(o, "since", e.since);
  add_time(o, "expires", e.expires);
  return o;
}

json::object soft_object(const suppression::soft_record& r) {
  json::array all;
  for (const auto& b : r.all) {
    json::object o{{"at", time_text(b.at)}};
    if (b.source != message_id{}) o["message_id"] = to_text(b.source);
    all.push_back(std::move(o));
  }
  return {{"count", r.all.size()}, {"bounces", std::move(all)}, {"expires", time_text(r.expires)}};
}

json::object facts_object(const suppression_facts& f) {
  json::array entries;
  for (const auto& e : f.entries)
    entries.push_back(row_object(e));
  json::object o{{"account", f.account}, {"suppressions", std::move(entries)}, {"policy", to_object(f.by)}};
  if (f.soft) o["soft_bounces"] = soft_object(*f.soft);
  return o;
}

// The account whose list is meant. An account's own key has no other's.
or_refusal<std::string> owner_of(const call& c, std::string named) {
  if (c.as.account.empty()) return named;
  if (named.empty() || named == c.as.account) return c.as.account;
  return std::unexpected(error_response(403, "forbidden", "this key has the list of its own account only"));
}

// Of one address, in all its scopes.
void list_one(const call& c, std::string owner, on_response done) {
  c.ask.operating().find_suppressions(
      std::string(parameter(c.query, "address")), std::move(owner),
      [done = std::move(done)](std::expected<std::vector<suppression_facts>, response> got) mutable {
        if (!got) return done(std::move(got.error()));
        json::array rows;
        for (const auto& f : *got) {
          for (const auto& e : f.entries)
            rows.push_back(row_object(e));
        }
        done(object_response(json::object{{"suppressions", std::move(rows)}}));
      });
}

void list_suppressions(const call& c, on_response done) {
  suppression_search wanted;
  auto owner = owner_of(c, std::string(parameter(c.query, "account")));
  if (!owner) return done(std::move(owner.error()));
  if (owner->empty()) return done(error_response(400, "invalid_parameter", "account: is missing"));
  if (!parameter(c.query, "address").empty()) return list_one(c, std::move(*owner), std::move(done));
  const auto limit = number_parameter(c.query, "limit", rows_usual, 1, suppression_rows_max);
  if (!limit) return done(limit.error());
  const auto back = age_parameter(c.query, "since");
  if (!back) return done(back.error());
  wanted.account = std::move(*owner);
  wanted.after = parameter(c.query, "after");
  wanted.max = *limit;
  wanted.back = *back;
  wanted.which.reason = parameter(c.query, "reason");
  wanted.which.scope = parameter(c.query, "stream");
  if (const auto list = parameter(c.query, "list"); !list.empty()) {
    if (!wanted.which.scope.empty())
      return done(error_response(400, "invalid_parameter", "list: is given beside `stream`"));
    wanted.which.scope = suppression::of_list(to_lower(list));
  }
  wanted.which.text = suppression::normalised(parameter(c.query, "search"));
  c.ask.operating().suppressions(std::move(wanted),
                                 [done = std::move(done)](std::expected<suppression_page, response> got) mutable {
                                   if (!got) return done(std::move(got.error()));
                                   json::array rows;
                                   for (const auto& e : got->rows)
                                     rows.push_back(row_object(e));
                                   json::object o{{"suppressions", std::move(rows)}};
                                   add_text(o, "next", got->next);
                                   done(object_response(o));
                                 });
}

void show_suppression(const call& c, on_response done) {
  auto owner = owner_of(c, std::string(parameter(c.query, "account")));
  if (!owner) return done(std::move(owner.error()));
  if (!message::parse_address(c.id, true))
    return done(error_response(400, "invalid_address", fmt::format("\"{}\" is not an address", c.id)));
  c.ask.operating().find_suppressions(
      c.id, std::move(*owner),
      [address = suppression::normalised(c.id),
       done = std::move(done)](std::expected<std::vector<suppression_facts>, response> got) mutable {
        if (!got) return done(std::move(got.error()));
        json::array all;
        for (const auto& f : *got)
          all.push_back(facts_object(f));
        done(object_response(json::object{{"address", address}, {"accounts", std::move(all)}}));
      });
}

std::optional<wall_time> take_time(json_body& body, std::string_view name) {
  return body.word(name, parse_time, "a time such as \"2026-11-25T08:00:00.000Z\"");
}

// Wrong ones refuse `body`.
std::string checked_address(json_body& body, std::string_view where, const std::string& address) {
  if (!message::parse_address(address, true)) body.refuse(fmt::format("{}: \"{}\" is not an address", where, address));
  return address;
}

std::string take_scope(json_body& body) {
  auto stream = body.text("stream").value_or("");
  const auto list = to_lower(body.text("list").value_or(""));
  if (list.empty()) return stream;
  if (!stream.empty())
    body.expect("list", "no list beside a stream");
  else if (!message::is_list_id(list))
    body.expect("list", "the identifier in the mail's List-ID, such as \"weekly.example.com\"");
  return suppression::of_list(list);
}

suppression::entry take_entry(const json::value& from, std::string where, json_body& body) {
  json_body each(from, where);
  suppression::entry e;
  e.address = checked_address(body, where, each.text("address").value_or(""));
  e.scope = take_scope(each);
  e.reason = each.text("reason").value_or("manual");
  if (e.reason.empty() || !checked_reason(e.reason)) each.expect("reason", "1 to 500 characters");
  e.source = each.word("message_id", parse_message_id, "a message id").value_or(message_id{});
  e.since = take_time(each, "since").value_or(wall_time{});
  e.expires = take_time(each, "expires").value_or(wall_time{});
  body.adopt(each);
  return e;
}

// Either `addresses`, which have all else in common, or `entries`.
void take_entries(json_body& body, suppression_request& to) {
  const auto addresses = body.texts("addresses");
  const auto* entries = to.remove ? nullptr : body.list("entries");
  const auto count = addresses ? addresses->size() : entries != nullptr ? entries->size() : 0;
  const bool both = addresses && entries != nullptr;
  if (both || count == 0 || count > addresses_max)
    return body.expect("addresses", fmt::format("1 to {} addresses{}", addresses_max,
                                                to.remove ? "" : ", or as many `entries` in their place"));
  for (std::size_t i = 0; entries != nullptr && i < count && !body.failed(); ++i)
    to.entries.push_back(take_entry(entries->at(i), fmt::format("entries[{}]", i), body));
  if (entries != nullptr) return;
  suppression::entry e;
  e.scope = take_scope(body);
  if (!to.remove) {
    auto reason = checked_reason(body.text("reason").value_or("manual"));
    if (!reason) return body.expect("reason", "at most 500 characters");
    e.reason = std::move(*reason);
  }
  for (const auto& a : *addresses) {
    e.address = checked_address(body, "addresses", a);
    to.entries.push_back(e);
  }
}

void change_suppression(const call& c, bool remove, on_response done) {
  json_body body(c.asked.body);
  suppression_request wanted;
  wanted.remove = remove;
  auto owner = owner_of(c, body.text("account").value_or(""));
  if (!owner) return done(std::move(owner.error()));
  wanted.account = std::move(*owner);
  wanted.own = !c.as.account.empty();
  take_entries(body, wanted);
  if (!remove) {
    if (const auto lasts = body.number("expires_in", seconds_max)) wanted.lasts = std::chrono::seconds(*lasts);
  }
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  const std::string_view what = remove ? "removed" : "added";
  c.ask.operating().change_suppressions(
      std::move(wanted), [done = std::move(done), what](std::expected<suppressions_changed, response> got) mutable {
        if (!got) return done(std::move(got.error()));
        json::object o{{what, got->count}};
        if (!got->kept.empty()) o["kept"] = json::array(got->kept.begin(), got->kept.end());
        done(object_response(o));
      });
}

void add_suppression(const call& c, on_response done) {
  change_suppression(c, false, std::move(done));
}

void remove_suppression(const call& c, on_response done) {
  change_suppression(c, true, std::move(done));
}

}  // namespace

std::vector<route> suppression_routes() {
  constexpr route_access readers{needs::read, true}, own{needs::admin, true};
  return {
      {"GET",
       "/v1/suppressions",
       list_suppressions,
       {"account", "address", "after", "limit", "reason", "stream", "list", "since", "search"},
       readers},
      {"GET", "/v1/suppressions/{address}", show_suppression, {"account"}, readers},
      {"POST", "/v1/suppressions", add_suppression, {}, own},
      {"POST", "/v1/suppressions/remove", remove_suppression, {}, own},
  };
}

}  // namespace gonets::httpd::detail
