#include "journal/upkeep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "journal/days.h"
#include "journal/projection.h"
#include "journal/statistics.h"
#include "journal/terms.h"
#include "message/address.h"

namespace gonets::journal {
namespace {

using namespace std::chrono_literals;
using storage::sql_result;
using storage::sql_session;

constexpr std::chrono::milliseconds patience = 500ms;        // for who reads: the thread has events to write, too
constexpr std::chrono::hours day_settles{1};                 // what is accepted just before midnight is there by then
constexpr std::chrono::hours look_again{1};                  // at a file in which nothing was left to do
constexpr std::int64_t hashing = 0, hashed = 1, erased = 2;  // of an account in a file
constexpr std::uint64_t shared_at_once = 200;
constexpr unsigned merge_bits_max = 16;

std::int64_t minute_at(wall_time at) {
  return std::chrono::floor<std::chrono::minutes>(at).time_since_epoch().count();
}

// The rows of one chunk, as they are to be.
struct hashed_rows {
  explicit hashed_rows(const day_shape& shape) : on(shape) {}

  const day_shape& on;
  storage::sql_rows recipients, senders, gone, gone_apart, gone_merged;
  std::vector<term> terms, recipient_terms;

  void add(const storage::sql_row& from, const address_hash& hash) {
    const message_id message{static_cast<std::uint64_t>(from.integer(0))};
    const auto index = static_cast<std::uint16_t>(from.integer(1));
    const auto& address = from.text(2);
    const auto& sender = from.text(5);
    const auto fresh = is_hashed(address) ? address : hash.of(address);
    const auto bare = without_recipient(sender);
    recipients.add(fresh, codes_of(from.text(3)), message.value, index);
    senders.add(bare, message.value);
    if (bare != sender) replace(term_kind::sender, sender, bare, message, 0);
    if (fresh == address) return;
    const auto lower = to_lower(address);
    replace(term_kind::recipient, lower, fresh, message, index);
    replace(term_kind::domain, message::domain_of(lower), message::domain_of(fresh), message, index);
  }

  // In place: what a page of SQLite had before may stay in it, so of a file rows are moved to other pages instead.
  void write_over(sql_session& to) const {
    to.change_each(fmt::format("UPDATE {} SET address = :address, reply = :reply WHERE message = :message AND idx ="
                               " :idx",
                               on.names("recipients")),
                   recipients);
    to.change_each(fmt::format("UPDATE {} SET subject = '', sender = :sender WHERE id = :id", on.names("messages")),
                   senders);
  }
  void copy(sql_session& to) const {
    to.change_each(
        "INSERT INTO moved_recipients (message, idx, address, provider, status, category, reply, at, attempts) SELECT"
        " message, idx, :address, provider, status, category, :reply, at, attempts FROM recipients WHERE message ="
        " :message AND idx = :idx",
        recipients);
    to.change_each(
        "INSERT INTO moved_messages (id, account, stream, sender, campaign, tags, header_message_id, accepted, bytes,"
        " subject) SELECT id, account, stream, :sender, campaign, tags, header_message_id, accepted, bytes, '' FROM"
        " messages WHERE id = :id ON CONFLICT DO NOTHING",
        senders);
  }

  void write_terms(sql_session& to) {
    const auto& names = on.names;
    const auto forget = [&](std::string_view table, const storage::sql_rows& rows) {
      to.change_each(fmt::format("DELETE FROM {} WHERE slot = :slot AND term = :term AND message = :message AND idx ="
                                 " :idx",
                                 names(table)),
                     rows);
    };
    forget("terms", gone);
    forget("recipient_terms", gone_apart);
    to.change_each(
        fmt::format("DELETE FROM {} WHERE term = :term AND message = :message AND idx = :idx", names("merged_terms")),
        gone_merged);
    insert_terms(to, names("terms"), terms);
    insert_terms(to, names("recipient_terms"), recipient_terms);
    if (on.merging) insert_merged(to, names("merged_terms"), recipient_terms);
  }

 private:
  void replace(term_kind kind, std::string_view old, std::string_view fresh, message_id message, std::uint16_t index) {
    const bool apart = on.apart && kind == term_kind::recipient;
    const auto slot = on.index.of(message);
    const auto number = term_of(kind, old);
    (apart ? gone_apart : gone).add(slot, number, message.value, index);
    if (apart) gone_merged.add(number, message.value, index);
    (apart ? recipient_terms : terms).push_back({slot, term_of(kind, fresh), message.value, index});
  }
};

}  // namespace

upkeep::upkeep(place in, privacy wanted, upkeep_limits limits)
    : in_(std::move(in)), privacy_(std::move(wanted)), limits_(limits), names_(in_) {
  if (!in_.shared()) return;
  auto options = options_for(in_);
  options.timeout = patience;
  database_ = std::make_unique<storage::sql_database>(std::move(options));
}

upkeep::~upkeep() = default;

sql_result<std::vector<std::chrono::sys_days>> upkeep::days() {
  if (in_.shared()) return days_in(*database_);
  std::vector<std::chrono::sys_days> all;
  for (const auto& each : files_in(in_.folder))
    all.push_back(each.day);
  return all;
}

void upkeep::take(std::chrono::sys_days day) {
  if (in_work_ == day) return;
  in_work_ = day;
  names_ = table_names(in_, day);
  if (in_.shared()) return;
  database_ =
      std::make_unique<storage::sql_database>(storage::sql_options{.url = "sqlite:" + in_.folder + "/" + file_of(day),
                                                                   .timeout = patience,
                                                                   .schema = storage::journal_day_schema_steps(),
                                                                   .erase_deleted = true});
}

sql_result<bool> upkeep::step(wall_time now) {
  if (auto wanted = privacy_.hash_after(); wanted != wanted_) {
    wanted_ = std::move(wanted);
    looked_at_.clear();
  }
  const auto all = days();
  if (!all) return std::unexpected(all.error());
  for (const auto day : *all) {
    const auto seen = looked_at_.find(day);
    if (seen != looked_at_.end() && seen->second <= now && now - seen->second < look_again) continue;
    take(day);
    auto done = step_on(day, now);
    if (!done || *done) return done;
    looked_at_[day] = now;
    in_work_.reset();
    if (!in_.shared()) database_.reset();
  }
  return false;
}

sql_result<bool> upkeep::step_on(std::chrono::sys_days day, wall_time now) {
  if (auto done = remove_minutes(now); !done || *done) return done;
  if (now < wall_time(day) + 24h + day_settles) return false;
  if (auto done = merge(limits_.merged_at_once); !done || *done) return done;
  if (auto done = hash(day, now); !done || *done) return done;
  return erase();
}

// Slice after slice of the terms' numbers, which are spread evenly: so each is sorted in little memory, and what is
// merged is sorted as a whole. `merged` of 2^merge_bits slices are done.
sql_result<bool> upkeep::merge(std::uint64_t rows_max) {
  return database_->write([&](sql_session& s) -> sql_result<bool> {
    const auto merged = static_cast<std::uint64_t>(state_of(s, names_, "merged"));
    auto bits = static_cast<unsigned>(state_of(s, names_, "merge_bits"));
    if (state_of(s, names_, "apart") == 0 || merged == std::uint64_t{1} << bits) return false;
    if (merged == 0) {
      const auto found = s.row(fmt::format("SELECT COUNT(*) FROM {}", names_("recipient_terms")));
      const auto rows = found ? static_cast<std::uint64_t>(found->integer(0)) : 0;
      for (bits = 0; bits < merge_bits_max && rows >> bits > rows_max;)
        ++bits;
      set_state(s, names_, "merge_bits", bits);
    }
    const auto [from, to] = merge_slice(merged, bits);
    s.change(fmt::format("INSERT INTO {} (term, message, idx) SELECT term, message, idx FROM {}"
                         " WHERE slot IN ({}) AND term >= :from AND term <= :to ORDER BY term, message, idx"
                         " ON CONFLICT DO NOTHING",
                         names_("merged_terms"), names_("recipient_terms"), fmt::join(slots_of(s).all(), ", ")),
             {from, to});
    set_state(s, names_, "merged", static_cast<std::int64_t>(merged + 1));
    return true;
  });
}

// One pass over the file for all accounts whose time has come; accounts that come later get a pass of their own.
sql_result<bool> upkeep::hash(std::chrono::sys_days day, wall_time now) {
  std::set<account_id> due, under_way;
  for (const auto& [account, after] : wanted_)
    if (wall_time(day) + after <= now) due.insert(account);
  auto begun = database_->write([&](sql_session& s) -> sql_result<void> {
    for (const auto& row : s.rows(fmt::format("SELECT account, progress FROM {}", names_("hashed")))) {
      const account_id account{static_cast<std::uint32_t>(row.integer(0))};
      due.erase(account);
      if (row.integer(1) == hashing) under_way.insert(account);
    }
    if (!under_way.empty() || due.empty()) return {};
    std::set<account_id> present;
    for (const auto& row : s.rows(fmt::format("SELECT DISTINCT account FROM {}", names_("hours"))))
      present.insert(account_id{static_cast<std::uint32_t>(row.integer(0))});
    for (const auto account : due) {
      const bool has_mail = present.contains(account);
      s.change(fmt::format("INSERT INTO {} (account, progress) VALUES (:account, :progress)", names_("hashed")),
               {account.value, has_mail ? hashing : erased});
      if (has_mail) under_way.insert(account);
    }
    set_state(s, names_, "hashed_message", 0);
    set_state(s, names_, "hashed_idx", 0);
    return {};
  });
  if (!begun) return std::unexpected(std::move(begun.error()));
  if (under_way.empty()) return false;
  return hash_some(under_way);
}

sql_result<bool> upkeep::hash_some(const std::set<account_id>& of) {
  return database_->write([&](sql_session& s) -> sql_result<bool> {
    const auto shape = shape_of(s, names_, privacy_);
    if (in_.shared())
      hash_in_place(s, shape, of);
    else
      move_some(s, shape, of);
    return true;
  });
}

void upkeep::hash_in_place(sql_session& s, const day_shape& shape, const std::set<account_id>& of) {
  const auto at_once = std::min(limits_.hashed_at_once, shared_at_once);
  const auto found = s.rows(
      fmt::format("SELECT r.message, r.idx, r.address, r.reply, m.account, m.sender FROM {} r JOIN {} m ON m.id ="
                  " r.message WHERE (r.message, r.idx) > (:message, :idx) ORDER BY r.message, r.idx LIMIT :max",
                  names_("recipients"), names_("messages")),
      {state_of(s, names_, "hashed_message"), state_of(s, names_, "hashed_idx"), at_once});
  hashed_rows fresh(shape);
  for (const auto& row : found) {
    const account_id account{static_cast<std::uint32_t>(row.integer(4))};
    if (of.contains(account)) fresh.add(row, shape.hashed.at(account));
  }
  fresh.write_over(s);
  fresh.write_terms(s);
  if (found.size() < at_once) {
    move_on(s, hashing, hashed);
  } else {
    set_state(s, names_, "hashed_message", found.back().integer(0));
    set_state(s, names_, "hashed_idx", found.back().integer(1));
  }
}

// Whole messages, the first that are still there, so that a message and its recipients are always on the same side. All
// pages that had plain addresses become free, and are overwritten as such.
void upkeep::move_some(sql_session& s, const day_shape& shape, const std::set<account_id>& of) {
  set_state(s, names_, "moving", 1);
  const auto first = s.row("SELECT MIN(id) FROM messages");
  if (!first || first->null(0)) return end_moving(s);
  const auto beyond =
      s.row("SELECT message FROM recipients ORDER BY message, idx LIMIT 1 OFFSET :max", {limits_.hashed_at_once});
  const auto until =
      beyond ? std::max(first->integer(0), beyond->integer(0) - 1) : std::numeric_limits<std::int64_t>::max();
  std::vector<std::uint32_t> numbers;
  for (const auto account : of)
    numbers.push_back(account.value);
  const auto due = fmt::format("({})", fmt::join(numbers, ", "));
  hashed_rows fresh(shape);
  for (const auto& row :
       s.rows(fmt::format("SELECT r.message, r.idx, r.address, r.reply, m.account, m.sender FROM recipients r JOIN"
                          " messages m ON m.id = r.message WHERE r.message <= :until AND m.account IN {}",
                          due),
              {until}))
    fresh.add(row, shape.hashed.at(account_id{static_cast<std::uint32_t>(row.integer(4))}));
  fresh.copy(s);
  fresh.write_terms(s);
  s.change(fmt::format("INSERT INTO moved_recipients (message, idx, address, provider, status, category, reply, at,"
                       " attempts) SELECT r.message, r.idx, r.address, r.provider, r.status, r.category, r.reply, r.at,"
                       " r.attempts FROM recipients r JOIN messages m ON m.id = r.message WHERE r.message <= :until AND"
                       " m.account NOT IN {}",
                       due),
           {until});
  s.change(fmt::format("INSERT INTO moved_messages (id, account, stream, sender, campaign, tags, header_message_id,"
                       " accepted, bytes, subject) SELECT id, account, stream, sender, campaign, tags,"
                       " header_message_id, accepted, bytes, subject FROM messages WHERE id <= :until AND account NOT"
                       " IN {}",
                       due),
           {until});
  s.change("DELETE FROM recipients WHERE message <= :until", {until});
  s.change("DELETE FROM messages WHERE id <= :until", {until});
}

void upkeep::end_moving(sql_session& s) {
  for (const auto* table : {"messages", "recipients"}) {
    // A copy of the declaration, as ALTER TABLE has left it.
    const auto declared = s.row("SELECT sql FROM sqlite_master WHERE name = :name", {fmt::format("moved_{}", table)});
    s.change(fmt::format("DROP TABLE {}", table));
    s.change(fmt::format("ALTER TABLE moved_{0} RENAME TO {0}", table));
    if (declared) s.change(declared->text(0));
  }
  set_state(s, names_, "moving", 0);
  move_on(s, hashing, hashed);
}

void upkeep::move_on(sql_session& s, std::int64_t from, std::int64_t to) {
  s.change(fmt::format("UPDATE {} SET progress = :next WHERE progress = :now", names_("hashed")), {to, from});
}

// What was overwritten in the file is still in its log.
sql_result<bool> upkeep::erase() {
  const auto due = database_->read([&](sql_session& s) -> sql_result<bool> {
    return s.row(fmt::format("SELECT 1 FROM {} WHERE progress = :hashed", names_("hashed")), {hashed}).has_value();
  });
  if (!due || !*due) return due;
  if (!in_.shared())
    if (auto done = database_->erase_log(); !done) return std::unexpected(std::move(done.error()));
  auto noted = database_->write([this](sql_session& s) -> sql_result<void> {
    move_on(s, hashed, erased);
    return {};
  });
  if (!noted) return std::unexpected(std::move(noted.error()));
  return true;
}

// An hour of them at most.
sql_result<bool> upkeep::remove_minutes(wall_time now) {
  return database_->write([&](sql_session& s) -> sql_result<bool> {
    const auto oldest = s.row(fmt::format("SELECT MIN(period) FROM {}", names_("minutes")));
    const auto kept = minute_at(now - minutes_kept);
    if (!oldest || oldest->null(0) || oldest->integer(0) >= kept) return false;
    return s.change(fmt::format("DELETE FROM {} WHERE period < :until", names_("minutes")),
                    {std::min(oldest->integer(0) + 60, kept)}) != 0;
  });
}

}  // namespace gonets::journal
