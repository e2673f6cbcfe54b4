#include "journal/search.h"

#include "base/text.h"
#include "journal/days.h"

namespace gonets::journal {
namespace {

using storage::sql_result;
using storage::sql_row;
using storage::sql_session;
using storage::sql_value;

constexpr std::string_view columns =
    "SELECT r.message, r.idx, r.given, r.provider, r.status, r.category, r.reply, r.at, r.attempts, m.account,"
    " m.stream, m.sender, m.campaign, m.tags, m.header_message_id, m.accepted, m.bytes"
    " FROM recipients r JOIN messages m ON m.id = r.message WHERE 1 = 1";

struct statement {
  std::string text{columns};
  std::vector<sql_value> bound;
  void where(std::string_view condition, sql_value value) {
    text += " AND ";
    text += condition;
    bound.push_back(std::move(value));
  }
  void where_text(std::string_view condition, const std::string& value) {
    if (!value.empty()) where(condition, value);
  }
};

statement compose(const query& q, std::size_t max) {
  statement s;
  s.where_text("r.address = :address", to_lower(q.recipient));
  s.where_text("r.status = :status", q.status);
  s.where_text("r.category = :category", q.category);
  s.where_text("r.provider = :provider", q.provider);
  s.where_text("m.sender = :sender", to_lower(q.sender));
  // The index leaves the empty ones out, and is used only when the condition does so, too.
  if (!q.campaign.empty()) s.where("m.campaign <> '' AND m.campaign = :campaign", q.campaign);
  if (!q.header_message_id.empty())
    s.where("m.header_message_id <> '' AND m.header_message_id = :header", q.header_message_id);
  s.where_text("r.message IN (SELECT message FROM tags WHERE tag = :tag)", q.tag);
  if (q.account) s.where("m.account = :account", q.account->value);
  if (q.message) s.where("r.message = :message", q.message->value);
  if (q.before) {
    s.where("(r.message, r.idx) < (:before", q.before->message.value);
    s.text += ", :before_idx)";
    s.bound.emplace_back(q.before->index.value);
  }
  s.text += " ORDER BY r.message DESC, r.idx DESC LIMIT :max";
  s.bound.emplace_back(max);
  return s;
}

wall_time time_of(const sql_row& from, std::size_t column) {
  return wall_time{std::chrono::milliseconds(from.integer(column))};
}

row read_row(const sql_row& from) {
  row r;
  r.message.value = static_cast<std::uint64_t>(from.integer(0));
  r.index.value = static_cast<std::uint16_t>(from.integer(1));
  r.recipient = from.text(2);
  r.provider = from.text(3);
  r.status = from.text(4);
  r.category = from.text(5);
  r.reply = from.text(6);
  r.at = time_of(from, 7);
  r.attempts = static_cast<std::uint32_t>(from.integer(8));
  r.account.value = static_cast<std::uint32_t>(from.integer(9));
  r.stream = from.text(10);
  r.sender = from.text(11);
  r.campaign = from.text(12);
  r.tags = from.text(13);
  r.header_message_id = from.text(14);
  r.accepted = time_of(from, 15);
  r.message_bytes = static_cast<std::uint64_t>(from.integer(16));
  return r;
}

sql_result<std::vector<sql_row>> search_file(const std::string& path, const statement& asked) {
  storage::sql_database file({.url = "sqlite:" + path, .schema = storage::journal_day_schema_steps()});
  return file.read([&](sql_session& s) -> sql_result<std::vector<sql_row>> { return s.rows(asked.text, asked.bound); });
}

}  // namespace

sql_result<page> search(const std::string& folder, const query& wanted) {
  const auto newest = wanted.before ? file_of(day_of(wanted.before->message)) : std::string("journal-9");
  const auto only = wanted.message ? file_of(day_of(*wanted.message)) : std::string();
  page found;
  for (const auto& name : files_in(folder)) {
    if (name > newest || (!only.empty() && name != only)) continue;
    // One more than is shown tells whether there is a next page.
    auto rows = search_file(folder + "/" + name, compose(wanted, wanted.max + 1 - found.rows.size()));
    if (!rows) return std::unexpected(std::move(rows.error()));
    for (const auto& each : *rows)
      found.rows.push_back(read_row(each));
    if (found.rows.size() <= wanted.max) continue;
    found.rows.pop_back();
    found.next = position{found.rows.back().message, found.rows.back().index};
    break;
  }
  return found;
}

}  // namespace gonets::journal
