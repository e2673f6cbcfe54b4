#include "journal/search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "journal/days.h"
#include "journal/terms.h"

namespace gonets::journal {
namespace {

using storage::sql_result;
using storage::sql_row;
using storage::sql_session;
using storage::sql_value;

constexpr std::string_view columns =
    "SELECT r.message, r.idx, r.address, r.provider, r.status, r.category, r.reply, r.at, r.attempts, m.account,"
    " m.stream, m.sender, m.campaign, m.tags, m.header_message_id, m.accepted, m.bytes";

constexpr std::uint64_t cache_bytes = 524'288;  // of each file

// Of ids of messages: from the first, before the second.
struct id_range {
  message_id from, before;
};

// What the index is asked for: of what is known, that which fewest have.
struct term {
  std::int64_t number;
  bool of_recipient;  // else of all of its message
};

std::optional<term> term_to_look_up(const query& q) {
  if (const auto domain = recipient_domain(q)) return term{term_of(term_kind::domain, to_lower(*domain)), true};
  if (!q.recipient.empty()) return term{term_of(term_kind::recipient, to_lower(q.recipient)), true};
  if (!q.header_message_id.empty()) return term{term_of(term_kind::header_message_id, q.header_message_id), false};
  if (!q.tag.empty()) return term{term_of(term_kind::tag, q.tag), false};
  if (!q.campaign.empty()) return term{term_of(term_kind::campaign, q.campaign), false};
  if (!q.sender.empty()) return term{term_of(term_kind::sender, to_lower(q.sender)), false};
  return std::nullopt;
}

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

// The hours of a range that lies within a day, the latest first.
std::vector<unsigned> hours_of(const id_range& within) {
  std::vector<unsigned> all;
  const auto first = hour_of(within.from);
  for (auto hour = hour_of(message_id{within.before.value - 1}) + 1; hour > first; --hour)
    all.push_back(hour - 1);
  return all;
}

void match(const query& q, statement& s) {
  if (const auto domain = recipient_domain(q)) {
    const auto ending = '@' + to_lower(*domain);
    s.where("lower(substr(r.address, :ending_bytes)) = :ending", -static_cast<std::int64_t>(ending.size()));
    s.bound.emplace_back(ending);
  } else {
    s.where_text("lower(r.address) = :address", to_lower(q.recipient));
  }
  s.where_text("r.status = :status", q.status);
  s.where_text("r.category = :category", q.category);
  s.where_text("r.provider = :provider", q.provider);
  s.where_text("m.sender = :sender", to_lower(q.sender));
  s.where_text("m.campaign = :campaign", q.campaign);
  s.where_text("m.header_message_id = :header", q.header_message_id);
  if (!q.tag.empty()) s.where("instr(char(10) || m.tags || char(10), :tag) > 0", "\n" + q.tag + "\n");
  if (q.account) s.where("m.account = :account", q.account->value);
  if (q.before) {
    s.where("(r.message, r.idx) < (:before", q.before->message.value);
    s.text += ", :before_idx)";
    s.bound.emplace_back(q.before->index.value);
  }
}

statement compose(const query& q, const id_range& within, std::size_t max) {
  statement s;
  std::string_view order = "r.message DESC, r.idx DESC";
  const auto wanted = q.message ? std::nullopt : term_to_look_up(q);
  if (wanted) {
    // In the order of the index, so that a page costs no more than its rows: CROSS JOIN keeps SQLite from another one.
    s.text += fmt::format(
        " FROM terms t CROSS JOIN recipients r ON r.message = t.message{} CROSS JOIN messages m ON m.id = t.message"
        " WHERE t.hour IN ({}) AND t.term = :term AND t.message >= :from AND t.message < :until",
        wanted->of_recipient ? " AND r.idx = t.idx" : "", fmt::join(hours_of(within), ", "));
    s.bound.emplace_back(wanted->number);
    order = wanted->of_recipient ? "t.hour DESC, t.message DESC, t.idx DESC"
                                 : "t.hour DESC, t.message DESC, t.idx DESC, r.idx DESC";
  } else {
    s.text +=
        " FROM recipients r CROSS JOIN messages m ON m.id = r.message"
        " WHERE r.message >= :from AND r.message < :until";
  }
  s.bound.emplace_back(within.from.value);
  s.bound.emplace_back(within.before.value);
  match(q, s);
  s.text += fmt::format(" ORDER BY {} LIMIT :max", order);
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

message_id first_id(wall_time at) {
  return first_id_at(at.time_since_epoch().count());
}

// Of what is asked for, the part within a day; nothing when there is none.
std::optional<id_range> within_day(const query& q, std::chrono::sys_days day) {
  id_range range{first_id(day), first_id(day + std::chrono::days(1))};
  if (q.since) range.from = std::max(range.from, first_id(*q.since));
  if (q.until) range.before = std::min(range.before, first_id(*q.until));
  if (q.before) range.before = std::min(range.before, message_id{q.before->message.value + 1});
  if (q.message) {
    range.from = std::max(range.from, *q.message);
    range.before = std::min(range.before, message_id{q.message->value + 1});
  }
  if (range.from >= range.before) return std::nullopt;
  return range;
}

}  // namespace

std::optional<std::string> recipient_domain(const query& q) {
  if (!q.recipient.starts_with("*@")) return std::nullopt;
  return q.recipient.substr(2);
}

reader::reader(std::string folder) : folder_(std::move(folder)) {}

reader::~reader() = default;

std::vector<reader::day> reader::files() {
  const auto present = files_in(folder_);
  std::vector<day> all;
  const std::lock_guard lock(mutex_);
  std::erase_if(open_, [&](const auto& each) {
    return std::ranges::find(present, each.first, &day_file::name) == present.end();
  });
  for (const auto& each : present) {
    auto& file = open_[each.name];
    if (!file)
      file = std::make_shared<storage::sql_database>(storage::sql_options{
          .url = "sqlite:" + folder_ + "/" + each.name, .read_only = true, .cache_bytes = cache_bytes});
    all.push_back({each, file});
  }
  return all;
}

sql_result<std::vector<sql_row>> reader::rows_of(const day& d, const std::string& statement,
                                                 const std::vector<sql_value>& bound) const {
  auto rows = d.rows->read([&](sql_session& s) -> sql_result<std::vector<sql_row>> {
    // A file is there a moment before its tables are.
    if (!s.row("SELECT 1 FROM sqlite_master WHERE name = 'recipients'")) return std::vector<sql_row>();
    return s.rows(statement, bound);
  });
  std::error_code error;
  if (!rows && !std::filesystem::exists(folder_ + "/" + d.file.name, error))
    return std::vector<sql_row>();  // the retention was faster
  return rows;
}

sql_result<page> reader::search(const query& wanted) {
  page found;
  for (const auto& each : files()) {
    const auto within = within_day(wanted, each.file.day);
    if (!within) continue;
    // One more than is shown tells whether there is a next page.
    const auto asked = compose(wanted, *within, wanted.max + 1 - found.rows.size());
    const auto rows = rows_of(each, asked.text, asked.bound);
    if (!rows) return std::unexpected(rows.error());
    for (const auto& one : *rows)
      found.rows.push_back(read_row(one));
    if (found.rows.size() <= wanted.max) continue;
    found.rows.pop_back();
    found.next = position{found.rows.back().message, found.rows.back().index};
    break;
  }
  return found;
}

}  // namespace gonets::journal
