#include "webhooks/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "accounts/rows.h"
#include "base/log.h"
#include "webhooks/signature.h"

namespace gonets::webhooks {
namespace {
namespace json = boost::json;
using accounts::refusal_kind;
using accounts::rows::from_ms;
using accounts::rows::to_ms;
using storage::sql_result;
using storage::sql_session;
using storage::sql_value;

constexpr std::size_t name_bytes_max = 64;
constexpr std::string_view present = "secret", previous = "previous secret";

std::unexpected<accounts::refusal> refuse(refusal_kind what, std::string detail) {
  return std::unexpected(accounts::refusal(what, std::move(detail)));
}

std::unexpected<accounts::refusal> no_webhook(webhook_id id) {
  return refuse(refusal_kind::not_found, fmt::format("there is no webhook {}", id.value));
}

std::string place(std::uint32_t id, std::string_view which) {
  return fmt::format("webhook {} {}", id, which);
}

std::string kinds_text(const std::vector<events::kind>& all) {
  json::array list;
  for (const auto k : all)
    list.emplace_back(events::to_text(k));
  return json::serialize(list);
}

std::string texts_text(const std::vector<std::string>& all) {
  return json::serialize(json::array(all.begin(), all.end()));
}

std::vector<std::string> parse_texts(std::string_view text) {
  std::vector<std::string> found;
  boost::system::error_code error;
  const auto parsed = json::parse(text, error);
  if (error || !parsed.is_array()) return found;
  for (const auto& each : parsed.get_array()) {
    if (each.is_string()) found.emplace_back(each.get_string());
  }
  return found;
}

// A number would be taken for an id.
bool is_name(std::string_view name) {
  if (name.empty() || name.size() > name_bytes_max) return false;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  return std::ranges::all_of(name, allowed) && name.find_first_not_of("0123456789") != name.npos;
}

accounts::outcome<void> check(const changes& c) {
  if (c.name && !is_name(*c.name))
    return refuse(refusal_kind::invalid, fmt::format("\"{}\" is no name of 1 to {} letters, digits, - _ and ., and no "
                                                     "number",
                                                     *c.name, name_bytes_max));
  if (c.streams && c.streams->size() > streams_max)
    return refuse(refusal_kind::limit, fmt::format("a webhook names at most {} streams", streams_max));
  if (c.url && c.url->size() > url_bytes_max)
    return refuse(refusal_kind::limit, fmt::format("a URL has at most {} bytes", url_bytes_max));
  return {};
}

sql_value owner_of(const webhook& w) {
  return w.wanted.account ? sql_value(std::int64_t{w.wanted.account->value}) : sql_value(std::int64_t{-1});
}

bool name_taken(sql_session& s, const sql_value& owner, const std::string& name, std::int64_t but) {
  return s.row("SELECT id FROM webhooks WHERE owner = :owner AND name = :name AND id <> :id", {owner, name, but})
      .has_value();
}

}  // namespace

// The counter comes first: it is the row at which changes wait for each other.
template <class T, class Work>
table::outcome<T> table::change_in(Work work) {
  return in_.write([&](sql_session& s) -> outcome<T> {
    s.change("UPDATE counters SET value = value + 1 WHERE name = 'webhook_revision'");
    return work(s);
  });
}

std::string table::unsealed(std::uint32_t id, const std::string& text, std::string_view which) {
  if (text.empty()) return {};
  if (auto secret = seal_.open(text, place(id, which))) return std::move(*secret);
  GONETS_LOG(error, "webhook_secret_unreadable", "webhook", id, "error",
             "it was not sealed with the key of accounts.key_file, or not for this row");
  return {};
}

sql_result<std::int64_t> table::revision() {
  return in_.read([](sql_session& s) -> sql_result<std::int64_t> {
    const auto r = s.row("SELECT value FROM counters WHERE name = 'webhook_revision'");
    return r ? r->integer(0) : 0;
  });
}

sql_result<rows> table::all() {
  return in_.read([&](sql_session& s) -> sql_result<rows> {
    rows found;
    const auto r = s.row("SELECT value FROM counters WHERE name = 'webhook_revision'");
    found.revision = r ? r->integer(0) : 0;
    for (const auto& from :
         s.rows("SELECT w.id, w.owner, w.name, w.url, w.kinds, w.streams, w.state, w.reason, w.secret,"
                " w.previous_secret, w.rotated, w.created, p.cursor, p.epoch, p.failing_since"
                " FROM webhooks w LEFT JOIN webhook_progress p ON p.webhook = w.id AND p.node = :node"
                " ORDER BY w.id",
                {node_})) {
      row made;
      auto& w = made.hook;
      w.id.value = static_cast<std::uint32_t>(from.integer(0));
      if (from.integer(1) >= 0) w.wanted.account = account_id{static_cast<std::uint32_t>(from.integer(1))};
      w.name = from.text(2);
      w.url = from.text(3);
      for (const auto& word : parse_texts(from.text(4))) {
        if (const auto k = events::parse_kind(word)) w.wanted.kinds.push_back(*k);
      }
      w.wanted.streams = parse_texts(from.text(5));
      w.is = from.text(6) == "active" ? state::active : state::paused;
      w.reason = from.text(7);
      w.secret = unsealed(w.id.value, from.text(8), present);
      w.previous_secret = unsealed(w.id.value, from.text(9), previous);
      w.rotated = from_ms(from.integer(10));
      w.created = from_ms(from.integer(11));
      if (!from.null(12))
        made.at = progress{event_seq{static_cast<std::uint64_t>(from.integer(12))},
                           static_cast<std::uint32_t>(from.integer(13)), from_ms(from.integer(14))};
      found.all.push_back(std::move(made));
    }
    return found;
  });
}

table::outcome<webhook> table::add(webhook fresh, event_seq cursor) {
  if (auto good = check({fresh.name, fresh.url, {}, fresh.wanted.streams}); !good)
    return std::unexpected(std::move(good.error()));
  if (fresh.secret.empty()) fresh.secret = make_secret();
  return change_in<webhook>([&](sql_session& s) -> outcome<webhook> {
    const auto held = s.row("SELECT COUNT(*) FROM webhooks WHERE owner = :owner", {owner_of(fresh)});
    if (held && static_cast<std::size_t>(held->integer(0)) >= webhooks_per_owner_max)
      return refuse(refusal_kind::limit, fmt::format("there are {} webhooks already", webhooks_per_owner_max));
    if (name_taken(s, owner_of(fresh), fresh.name, 0))
      return refuse(refusal_kind::exists, fmt::format("there is a webhook \"{}\" already", fresh.name));
    fresh.id.value = accounts::rows::next(s, "webhook");
    s.change(
        "INSERT INTO webhooks (id, owner, name, url, kinds, streams, state, reason, secret, previous_secret, rotated,"
        " created) VALUES (:id, :owner, :name, :url, :kinds, :streams, :state, '', :secret, '', 0, :created)",
        {fresh.id.value, owner_of(fresh), fresh.name, fresh.url, kinds_text(fresh.wanted.kinds),
         texts_text(fresh.wanted.streams), to_text(fresh.is), seal_.close(fresh.secret, place(fresh.id.value, present)),
         to_ms(fresh.created)});
    s.change(
        "INSERT INTO webhook_progress (webhook, node, cursor, epoch, failing_since) VALUES (:id, :node, :cursor, 0, 0)",
        {fresh.id.value, node_, cursor.value});
    return fresh;
  });
}

table::outcome<void> table::change(webhook_id id, const changes& to) {
  if (auto good = check(to); !good) return good;
  return change_in<void>([&](sql_session& s) -> outcome<void> {
    const auto r = s.row("SELECT owner, name, url, kinds, streams FROM webhooks WHERE id = :id", {id.value});
    if (!r) return no_webhook(id);
    const auto name = to.name.value_or(r->text(1));
    if (name_taken(s, r->integer(0), name, id.value))
      return refuse(refusal_kind::exists, fmt::format("there is a webhook \"{}\" already", name));
    s.change("UPDATE webhooks SET name = :name, url = :url, kinds = :kinds, streams = :streams WHERE id = :id",
             {name, to.url.value_or(r->text(2)), to.kinds ? kinds_text(*to.kinds) : r->text(3),
              to.streams ? texts_text(*to.streams) : r->text(4), id.value});
    return {};
  });
}

table::outcome<void> table::remove(webhook_id id) {
  return change_in<void>([&](sql_session& s) -> outcome<void> {
    s.change("DELETE FROM webhook_progress WHERE webhook = :id", {id.value});
    if (s.change("DELETE FROM webhooks WHERE id = :id", {id.value}) == 0) return no_webhook(id);
    return {};
  });
}

table::outcome<void> table::set_state(webhook_id id, state to, const std::string& reason) {
  return change_in<void>([&](sql_session& s) -> outcome<void> {
    if (s.change("UPDATE webhooks SET state = :state, reason = :reason WHERE id = :id",
                 {to_text(to), reason, id.value}) == 0)
      return no_webhook(id);
    if (to == state::active) s.change("UPDATE webhook_progress SET failing_since = 0 WHERE webhook = :id", {id.value});
    return {};
  });
}

table::outcome<std::string> table::rotate(webhook_id id, wall_time now) {
  return change_in<std::string>([&](sql_session& s) -> outcome<std::string> {
    const auto r = s.row("SELECT secret FROM webhooks WHERE id = :id", {id.value});
    if (!r) return no_webhook(id);
    const auto old = unsealed(id.value, r->text(0), present);
    auto fresh = make_secret();
    s.change("UPDATE webhooks SET secret = :secret, previous_secret = :previous, rotated = :now WHERE id = :id",
             {seal_.close(fresh, place(id.value, present)),
              old.empty() ? std::string() : seal_.close(old, place(id.value, previous)), to_ms(now), id.value});
    return fresh;
  });
}

table::outcome<void> table::move_cursor(webhook_id id, event_seq to) {
  return change_in<void>([&](sql_session& s) -> outcome<void> {
    if (!s.row("SELECT id FROM webhooks WHERE id = :id", {id.value})) return no_webhook(id);
    if (s.change("UPDATE webhook_progress SET cursor = :cursor, epoch = epoch + 1, failing_since = 0"
                 " WHERE webhook = :id AND node = :node",
                 {to.value, id.value, node_}) == 0)
      s.change(
          "INSERT INTO webhook_progress (webhook, node, cursor, epoch, failing_since)"
          " VALUES (:id, :node, :cursor, 1, 0)",
          {id.value, node_, to.value});
    return {};
  });
}

sql_result<void> table::keep(std::span<const kept_progress> all) {
  return in_.write([&](sql_session& s) -> sql_result<void> {
    for (const auto& each : all) {
      if (s.change("UPDATE webhook_progress SET cursor = :cursor, failing_since = :since WHERE webhook = :id AND node "
                   "= :node"
                   " AND epoch = :epoch",
                   {each.at.cursor.value, to_ms(each.at.failing_since), each.id.value, node_, each.at.epoch}) != 0)
        continue;
      // A command moved it, or it is gone; or it was added on another node, and this one begins to count.
      s.change(
          "INSERT INTO webhook_progress (webhook, node, cursor, epoch, failing_since)"
          " SELECT id, :node, :cursor, :epoch, :since FROM webhooks WHERE id = :id"
          " AND NOT EXISTS (SELECT 1 FROM webhook_progress WHERE webhook = :again AND node = :on)",
          {node_, each.at.cursor.value, each.at.epoch, to_ms(each.at.failing_since), each.id.value, each.id.value,
           node_});
    }
    return {};
  });
}

}  // namespace gonets::webhooks
