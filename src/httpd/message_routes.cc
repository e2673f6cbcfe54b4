// /v1/messages: what the journal knows.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>

#include "httpd/detail/members.h"
#include "httpd/detail/route.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;

// A cursor is the id of the page's last message and the index of its recipient: "066K3V7P8G01.0".
std::string cursor_text(const journal::position& p) {
  return fmt::format("{}.{}", to_text(p.message), p.index.value);
}

or_refusal<journal::position> parse_cursor(std::string_view text) {
  const auto dot = text.find('.');
  const auto id = parse_message_id(text.substr(0, dot));
  const auto digits = dot == text.npos ? std::string_view() : text.substr(dot + 1);
  std::uint16_t index = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (id && read.ec == std::errc() && read.ptr == digits.data() + digits.size())
    return journal::position{*id, recipient_index{index}};
  return std::unexpected(error_response(
      400, "invalid_parameter", fmt::format("after: found \"{}\", expected the `next` of a page before", text)));
}

json::object row_object(const found_message& found) {
  const auto& m = found.row;
  json::object o{{"message_id", to_text(m.message)},
                 {"recipient_index", m.index.value},
                 {"recipient", m.recipient},
                 {"recipient_hashed", m.hashed},
                 {"sender", m.sender},
                 {"status", m.status}};
  add_text(o, "account", found.account);
  add_text(o, "stream", m.stream);
  add_text(o, "campaign", m.campaign);
  add_text(o, "header_message_id", m.header_message_id);
  add_text(o, "subject", m.subject);
  add_text(o, "provider", m.provider);
  add_text(o, "category", m.category);
  add_text(o, "reply", m.reply);
  add_time(o, "accepted", m.accepted);
  add_time(o, "at", m.at);
  o["attempts"] = m.attempts;
  o["message_bytes"] = m.message_bytes;
  json::array tags;
  for (std::string_view rest = m.tags; !rest.empty();) {
    const auto end = rest.find('\n');
    tags.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
  if (!tags.empty()) o["tags"] = std::move(tags);
  return o;
}

or_refusal<message_search> read_search(const call& c) {
  message_search wanted;
  auto& q = wanted.which;
  q.recipient = parameter(c.query, "recipient");
  q.sender = parameter(c.query, "sender");
  q.header_message_id = parameter(c.query, "header_message_id");
  q.campaign = parameter(c.query, "campaign");
  q.tag = parameter(c.query, "tag");
  q.subject = parameter(c.query, "subject");
  q.status = parameter(c.query, "status");
  q.category = parameter(c.query, "category");
  q.provider = parameter(c.query, "provider");
  wanted.account = parameter(c.query, "account");
  if (const auto text = parameter(c.query, "id"); !text.empty()) {
    const auto id = parse_id(text);
    if (!id) return std::unexpected(id.error());
    q.message = *id;
  }
  if (const auto text = parameter(c.query, "after"); !text.empty()) {
    const auto from = parse_cursor(text);
    if (!from) return std::unexpected(from.error());
    q.before = *from;
  }
  const auto since = age_parameter(c.query, "since");
  if (!since) return std::unexpected(since.error());
  wanted.since = *since;
  const auto until = age_parameter(c.query, "until");
  if (!until) return std::unexpected(until.error());
  wanted.until = *until;
  const auto max = number_parameter(c.query, "max", rows_usual, 1, rows_max);
  if (!max) return std::unexpected(max.error());
  q.max = *max;
  if (!c.as.account.empty()) {
    if (!wanted.account.empty() && wanted.account != c.as.account)
      return std::unexpected(error_response(403, "forbidden", "this key sees the messages of its own account only"));
    wanted.account = c.as.account;
  }
  return wanted;
}

void search(const call& c, on_response done) {
  auto wanted = read_search(c);
  if (!wanted) return done(std::move(wanted.error()));
  using answer = std::expected<message_page, response>;
  c.ask.operating().search_messages(std::move(*wanted), [done = std::move(done)](answer got) mutable {
    if (!got) return done(std::move(got.error()));
    json::array messages;
    for (const auto& each : got->rows)
      messages.push_back(row_object(each));
    json::object o{{"messages", std::move(messages)}};
    if (got->next) o["next"] = cursor_text(*got->next);
    done(object_response(o));
  });
}

}  // namespace

std::vector<route> message_routes() {
  return {{"GET",
           "/v1/messages",
           search,
           {"recipient", "sender", "header_message_id", "id", "campaign", "tag", "subject", "status", "category",
            "provider", "account", "since", "until", "after", "max"},
           {needs::read, true}}};
}

}  // namespace gonets::httpd::detail
