#include "journal/recorder.h"

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "journal/days.h"
#include "message/labels.h"
#include "message/utf8.h"

namespace gonets::journal {
namespace {

using storage::sql_result;
using storage::sql_session;
using storage::sql_value;
using rows = std::vector<std::vector<sql_value>>;

constexpr std::size_t open_max = 8;

// What a peer or a client wrote may be anything.
std::string storable(std::string_view text) {
  std::string clean(text);
  std::ranges::replace(clean, '\0', ' ');
  if (message::is_valid_utf8(clean)) return clean;
  for (auto& c : clean)
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  return clean;
}

struct changes {
  rows messages, tags, recipients, outcomes;
  rows told_again;  // outcomes that may be known
};

void add_accepted(const events::event& e, changes& to) {
  std::string tags;
  for (const auto tag : message::tags_of(e.labels)) {
    if (!tags.empty()) tags += '\n';
    tags += storable(tag);
    to.tags.push_back({storable(tag), e.message.value});
  }
  to.messages.push_back({e.message.value, e.account.value, storable(e.stream), to_lower(storable(e.sender)),
                         storable(message::campaign_of(e.labels)), tags, storable(e.header_message_id),
                         e.at.time_since_epoch().count(), e.message_bytes});
  for (const auto& r : e.recipients) {
    auto given = storable(r.address);
    to.recipients.push_back({e.message.value, r.index.value, to_lower(given), given, storable(e.provider),
                             std::string(to_text(e.kind)), e.at.time_since_epoch().count()});
  }
}

void add_outcome(const events::event& e, bool maybe_known, changes& to) {
  const std::string category(e.category ? bounce::to_text(*e.category) : "");
  const auto said = storable(e.answer.code == 0 && e.answer.text.empty() ? e.reason : to_text(e.answer));
  const std::string status(to_text(e.kind));
  const auto at = e.at.time_since_epoch().count();
  for (const auto& r : e.recipients) {
    std::vector<sql_value> row{status,          category,     said, at, e.attempts, e.attempts, storable(e.provider),
                               e.message.value, r.index.value};
    if (maybe_known) row.insert(row.end(), {at, at, status});
    (maybe_known ? to.told_again : to.outcomes).push_back(std::move(row));
  }
}

// In this order, as each recipient is there before anything becomes of it.
void write(sql_session& s, const changes& all) {
  s.change_each(
      "INSERT INTO messages (id, account, stream, sender, campaign, tags, header_message_id, accepted, bytes) VALUES"
      " (:id, :account, :stream, :sender, :campaign, :tags, :header, :accepted, :bytes) ON CONFLICT DO NOTHING",
      all.messages);
  s.change_each("INSERT INTO tags (tag, message) VALUES (:tag, :message) ON CONFLICT DO NOTHING", all.tags);
  s.change_each(
      "INSERT INTO recipients (message, idx, address, given, provider, status, category, reply, at, attempts) VALUES"
      " (:message, :idx, :address, :given, :provider, :status, '', '', :at, 0) ON CONFLICT DO NOTHING",
      all.recipients);
  const std::string outcome =
      "UPDATE recipients SET status = :status, category = :category, reply = :reply, at = :at,"
      " attempts = CASE WHEN :attempts > 0 THEN :made ELSE attempts END,"
      " provider = COALESCE(NULLIF(:provider, ''), provider) WHERE message = :message AND idx = :idx";
  // By their time alone: a clock that was set back must not hide what is new, so this is for what may be known only.
  s.change_each(outcome + " AND (at < :later OR (at = :same AND status <> :other))", all.told_again);
  s.change_each(outcome, all.outcomes);
}

std::int64_t state(sql_session& s, std::string_view name) {
  const auto found = s.row("SELECT value FROM state WHERE name = :name", {name});
  return found ? found->integer(0) : 0;
}

template <std::integral T>
void set_state(sql_session& s, std::string_view name, T value) {
  s.change("UPDATE state SET value = :value WHERE name = :name", {value, name});
}

}  // namespace

recorder::recorder(std::string folder)
    : folder_(std::move(folder)),
      cursor_({.url = "sqlite:" + folder_ + "/cursor.db", .schema = storage::journal_schema_steps()}) {}

sql_result<event_seq> recorder::cursor() {
  std::error_code error;
  if (std::filesystem::create_directories(folder_, error))
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, error);
  return cursor_.read([this](sql_session& s) -> sql_result<event_seq> {
    log_ = state(s, "log");
    known_until_.value = static_cast<std::uint64_t>(state(s, "known_until"));
    return event_seq{static_cast<std::uint64_t>(state(s, "cursor"))};
  });
}

sql_result<void> recorder::start_over(event_seq end) {
  auto done = cursor_.write([&](sql_session& s) -> sql_result<void> {
    set_state(s, "log", log_ + 1);
    set_state(s, "known_until", end.value);
    set_state(s, "cursor", 0);
    return {};
  });
  if (!done) return done;
  ++log_;
  known_until_ = end;
  return {};
}

storage::sql_database& recorder::file(const std::string& name) {
  auto& at = open_[name];
  if (!at)
    at = std::make_unique<storage::sql_database>(
        storage::sql_options{.url = "sqlite:" + folder_ + "/" + name, .schema = storage::journal_day_schema_steps()});
  return *at;
}

sql_result<void> recorder::apply_to(const std::string& name, std::span<const events::event* const> batch) {
  if (open_.size() > open_max) open_.clear();
  return file(name).write([&](sql_session& s) -> sql_result<void> {
    const auto known = state(s, "log") == log_ ? static_cast<std::uint64_t>(state(s, "cursor")) : 0;
    changes all;
    for (const auto* e : batch) {
      if (e->seq.value <= known) continue;
      if (e->kind == events::kind::accepted)
        add_accepted(*e, all);
      else
        add_outcome(*e, e->seq <= known_until_, all);
    }
    write(s, all);
    set_state(s, "cursor", std::max(known, batch.back()->seq.value));
    set_state(s, "log", log_);
    return {};
  });
}

sql_result<void> recorder::apply(std::span<const events::event> batch, event_seq cursor, std::uint64_t missed) {
  std::map<std::string, std::vector<const events::event*>> by_file;
  for (const auto& e : batch) {
    if (e.message.value == 0) continue;  // of no message
    auto name = file_of(day_of(e.message));
    if (name >= oldest_) by_file[std::move(name)].push_back(&e);
  }
  for (const auto& [name, of_file] : by_file)
    if (auto done = apply_to(name, of_file); !done) return done;
  return cursor_.write([&](sql_session& s) -> sql_result<void> {
    set_state(s, "cursor", cursor.value);
    if (missed != 0) s.change("UPDATE state SET value = value + :value WHERE name = 'missed'", {missed});
    return {};
  });
}

std::size_t recorder::remove_before(std::chrono::sys_days day) {
  oldest_ = file_of(day);
  std::size_t removed = 0;
  for (const auto& name : files_in(folder_)) {
    if (name >= oldest_) continue;
    open_.erase(name);
    std::error_code error;
    if (std::filesystem::remove(folder_ + "/" + name, error)) ++removed;
    for (const auto* rest : {"-wal", "-shm"})
      std::filesystem::remove(folder_ + "/" + name + rest, error);
  }
  return removed;
}

}  // namespace gonets::journal
