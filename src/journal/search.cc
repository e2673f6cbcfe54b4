#include "journal/search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>

#include "base/text.h"
#include "journal/days.h"
#include "journal/projection.h"
#include "journal/terms.h"

namespace gonets::journal {
namespace {

using storage::sql_result;
using storage::sql_row;
using storage::sql_session;
using storage::sql_value;

constexpr std::string_view columns =
    "SELECT r.message, r.idx, r.address, r.provider, r.status, r.category, r.reply, r.at, r.attempts, m.account,"
    " m.stream, m.sender, m.campaign, m.tags, m.header_message_id, m.accepted, m.bytes, m.subject";

constexpr std::uint64_t cache_bytes = 524'288;  // of each file

// Of ids of messages: from the first, before the second.
struct id_range {
  message_id from, before;
};

// What the index is asked for: of what is known, that which fewest have.
struct wanted_term {
  std::int64_t number;
  term_kind kind;
  bool of_recipient() const { return kind == term_kind::recipient || kind == term_kind::domain; }
};

std::optional<wanted_term> term_to_look_up(const query& q) {
  const auto made = [](term_kind kind, std::string_view text) { return wanted_term{term_of(kind, text), kind}; };
  if (const auto domain = recipient_domain(q)) return made(term_kind::domain, to_lower(*domain));
  if (!q.recipient.empty()) return made(term_kind::recipient, to_lower(q.recipient));
  if (!q.header_message_id.empty()) return made(term_kind::header_message_id, q.header_message_id);
  if (!q.tag.empty()) return made(term_kind::tag, q.tag);
  if (!q.campaign.empty()) return made(term_kind::campaign, q.campaign);
  if (!q.sender.empty()) return made(term_kind::sender, to_lower(q.sender));
  return std::nullopt;
}

// How a file stands, or the database, as far as a search must know.
struct file_state {
  table_names names;
  bool embedded = true;
  bool apart = true;
  unsigned merge_bits = 0;
  std::uint64_t merged = 0;
  bool moving = false;  // some messages are in the tables that they are moved to
  slots index;
  std::vector<account_id> hashed;

  bool has_merged(std::int64_t number) const { return merge_slice_of(number, merge_bits) < merged; }
};

// Nothing: its tables are not there yet.
std::optional<file_state> state_of_file(sql_session& s, const table_names& names) {
  file_state found{.names = names, .embedded = s.embedded(), .index = {}, .hashed = {}};
  const auto read_hashed = [&] {
    for (const auto& row : s.rows(fmt::format("SELECT DISTINCT account FROM {}", names("hashed"))))
      found.hashed.push_back(account_id{static_cast<std::uint32_t>(row.integer(0))});
  };
  if (!found.embedded) {
    read_hashed();
    return found;
  }
  if (!s.row("SELECT 1 FROM sqlite_master WHERE name = 'splits'")) return std::nullopt;
  found.index = slots_of(s);
  for (const auto& row : s.rows("SELECT name, value FROM state")) {
    const auto& name = row.text(0);
    if (name == "apart") found.apart = row.integer(1) != 0;
    if (name == "merge_bits") found.merge_bits = static_cast<unsigned>(row.integer(1));
    if (name == "moving") found.moving = row.integer(1) != 0;
    if (name == "merged") found.merged = static_cast<std::uint64_t>(row.integer(1));
  }
  read_hashed();
  return found;
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

// For LIKE, with '!' before what would stand for other text.
std::string like_text(std::string_view text) {
  std::string to;
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '!') to += '!';
    to += c;
  }
  return to;
}

// ASCII letters alone, as to_lower() has them.
std::string lowered(std::string_view column, bool embedded) {
  return fmt::format("lower({}{})", column, embedded ? "" : " COLLATE \"C\"");
}

void match(const query& q, bool embedded, statement& s) {
  const auto address = lowered("r.address", embedded);
  if (const auto domain = recipient_domain(q)) {
    const auto ending = '@' + to_lower(*domain);
    if (embedded) {
      s.where("lower(substr(r.address, :ending_bytes)) = :ending", -static_cast<std::int64_t>(ending.size()));
      s.bound.emplace_back(ending);
    } else {
      s.where(fmt::format("{} LIKE :ending ESCAPE '!'", address), "%" + like_text(ending));
    }
  } else {
    s.where_text(address + " = :address", to_lower(q.recipient));
  }
  s.where_text("r.status = :status", q.status);
  s.where_text("r.category = :category", q.category);
  s.where_text("r.provider = :provider", q.provider);
  s.where_text("m.sender = :sender", to_lower(q.sender));
  s.where_text("m.campaign = :campaign", q.campaign);
  s.where_text("m.header_message_id = :header", q.header_message_id);
  const auto* within = embedded ? "instr" : "strpos";
  s.where_text(fmt::format("{}({}, :subject) > 0", within, lowered("m.subject", embedded)), to_lower(q.subject));
  if (!q.tag.empty())
    s.where(fmt::format("{0}({1}(10) || m.tags || {1}(10), :tag) > 0", within, embedded ? "char" : "chr"),
            "\n" + q.tag + "\n");
  if (q.account) s.where("m.account = :account", q.account->value);
  if (q.before) {
    s.where("(r.message, r.idx) < (:before", q.before->message.value);
    s.text += ", :before_idx)";
    s.bound.emplace_back(q.before->index.value);
  }
}

// The terms that are looked at: all in one order, or by slots.
struct index_part {
  std::string_view table;
  bool by_slot = true;
};

index_part part_for(const wanted_term& t, const file_state& in) {
  if (!in.embedded) return {"terms", false};
  if (t.kind != term_kind::recipient || !in.apart) return {"terms"};
  if (in.has_merged(t.number)) return {"merged_terms", false};
  return {"recipient_terms"};
}

std::vector<unsigned> slots_in(const id_range& within, const file_state& in) {
  return in.index.between(within.from, message_id{within.before.value - 1});
}

statement compose(const query& q, const id_range& within, const file_state& in, bool moved, std::size_t max) {
  statement s;
  std::string order = "r.message DESC, r.idx DESC";
  const auto recipients = in.names(moved ? "moved_recipients" : "recipients");
  const auto messages = in.names(moved ? "moved_messages" : "messages");
  const auto* keep_order = in.embedded ? "CROSS " : "";
  const auto wanted = q.message ? std::nullopt : term_to_look_up(q);
  if (wanted) {
    // In the order of the index, so that a page costs no more than its rows: CROSS JOIN keeps SQLite from another one.
    const auto part = part_for(*wanted, in);
    s.text += fmt::format(
        " FROM {0} t {3}JOIN {1} r ON r.message = t.message{4} {3}JOIN {2} m ON m.id = t.message"
        " WHERE {5}t.term = :term AND t.message >= :from AND t.message < :until",
        in.names(part.table), recipients, messages, keep_order, wanted->of_recipient() ? " AND r.idx = t.idx" : "",
        part.by_slot ? fmt::format("t.slot IN ({}) AND ", fmt::join(slots_in(within, in), ", ")) : "");
    s.bound.emplace_back(wanted->number);
    order = fmt::format("{}t.message DESC, t.idx DESC{}", part.by_slot ? "t.slot DESC, " : "",
                        wanted->of_recipient() ? "" : ", r.idx DESC");
  } else {
    s.text += fmt::format(" FROM {} r {}JOIN {} m ON m.id = r.message WHERE r.message >= :from AND r.message < :until",
                          recipients, keep_order, messages);
  }
  s.bound.emplace_back(within.from.value);
  s.bound.emplace_back(within.before.value);
  match(q, in.embedded, s);
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
  r.hashed = is_hashed(from.text(2));
  r.recipient = r.hashed ? shown(from.text(2)) : from.text(2);
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
  r.subject = from.text(17);
  return r;
}

message_id first_id(wall_time at) {
  return first_id_at(at.time_since_epoch().count());
}

// Of what is asked for, what may be there; nothing when there is none.
std::optional<id_range> part_of(const query& q, id_range range) {
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

// What is asked for as a file may have it: plainly, and once for each account whose addresses are hashes there.
std::vector<query> forms_of(const query& q, const file_state& in, const privacy& by) {
  std::vector<query> all{q};
  if (q.recipient.empty()) return all;
  for (const auto account : in.hashed) {
    if (q.account && *q.account != account) continue;
    const address_hash hash(by.key_of(account));
    auto& form = all.emplace_back(q);
    form.account = account;
    const auto domain = recipient_domain(q);
    form.recipient = domain ? "*@" + hash.of_domain(*domain) : hash.of(q.recipient);
  }
  return all;
}

}  // namespace

std::optional<std::string> recipient_domain(const query& q) {
  if (!q.recipient.starts_with("*@")) return std::nullopt;
  return q.recipient.substr(2);
}

reader::reader(place in, privacy wanted) : in_(std::move(in)), names_(in_), privacy_(std::move(wanted)) {}

reader::~reader() = default;

std::vector<reader::part> reader::parts() {
  const std::lock_guard lock(mutex_);
  if (in_.shared()) {
    auto& database = open_[""];
    if (!database) database = std::make_shared<storage::sql_database>(options_for(in_));
    return {{"", message_id{0}, message_id{std::numeric_limits<std::int64_t>::max()}, database}};
  }
  const auto present = files_in(in_.folder);
  std::vector<part> all;
  std::erase_if(open_, [&](const auto& each) {
    return std::ranges::find(present, each.first, &day_file::name) == present.end();
  });
  for (const auto& each : present) {
    auto& file = open_[each.name];
    if (!file)
      file = std::make_shared<storage::sql_database>(storage::sql_options{
          .url = "sqlite:" + in_.folder + "/" + each.name, .read_only = true, .cache_bytes = cache_bytes});
    all.push_back({each.name, first_id(each.day), first_id(each.day + std::chrono::days(1)), file});
  }
  return all;
}

sql_result<std::vector<sql_row>> reader::rows_of(const part& p, const std::string& statement,
                                                 const std::vector<sql_value>& bound) const {
  auto rows = p.rows->read([&](sql_session& s) -> sql_result<std::vector<sql_row>> {
    // A file is there a moment before its tables are.
    if (!state_of_file(s, names_)) return std::vector<sql_row>();
    return s.rows(statement, bound);
  });
  if (!rows && is_gone(p)) return std::vector<sql_row>();
  return rows;
}

// The retention was faster.
bool reader::is_gone(const part& p) const {
  std::error_code error;
  return !in_.shared() && !std::filesystem::exists(in_.folder + "/" + p.file, error);
}

sql_result<std::vector<row>> reader::search_part(const part& p, const query& wanted, std::size_t max) const {
  const auto within = part_of(wanted, {p.from, p.before});
  if (!within) return std::vector<row>();
  auto found = p.rows->read([&](sql_session& s) -> sql_result<std::vector<row>> {
    std::vector<row> all;
    const auto state = state_of_file(s, names_);
    if (!state) return all;
    const auto forms = forms_of(wanted, *state, privacy_);
    for (const auto& form : forms) {
      for (const bool moved : {false, true}) {
        if (moved && !state->moving) continue;
        const auto asked = compose(form, *within, *state, moved, max);
        for (const auto& one : s.rows(asked.text, asked.bound))
          all.push_back(read_row(one));
      }
    }
    if (forms.size() == 1 && !state->moving) return all;
    std::ranges::sort(all, std::greater(), [](const row& r) { return std::pair(r.message, r.index); });
    if (all.size() > max) all.resize(max);
    return all;
  });
  if (!found && is_gone(p)) return std::vector<row>();
  return found;
}

sql_result<page> reader::search(const query& wanted) {
  page found;
  for (const auto& each : parts()) {
    // One more than is shown tells whether there is a next page.
    auto rows = search_part(each, wanted, wanted.max + 1 - found.rows.size());
    if (!rows) return std::unexpected(std::move(rows.error()));
    std::ranges::move(*rows, std::back_inserter(found.rows));
    if (found.rows.size() <= wanted.max) continue;
    found.rows.pop_back();
    found.next = position{found.rows.back().message, found.rows.back().index};
    break;
  }
  return found;
}

}  // namespace gonets::journal
