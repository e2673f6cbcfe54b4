#include "storage/sql.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>
#include <utility>

#include "storage/schema.h"

namespace gonets::storage {

struct sql_session::impl {
  soci::session soci;
};

namespace {

constexpr std::string_view sqlite_scheme = "sqlite:";
constexpr int tries_max = 3;                             // of a transaction that gives way to others
constexpr std::int64_t migration_lock = 0x676f6e657473;  // "gonets": any number that nobody else takes

bool is_sqlite(std::string_view url) {
  return url.starts_with(sqlite_scheme);
}

// SQLite's result codes, without their extension: busy, locked, no memory, read-only, interrupted, I/O, full, can't
// open.
bool may_pass(const soci::sqlite3_soci_error& e) {
  switch (e.result() & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_READONLY:
    case SQLITE_INTERRUPT:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
      return true;
    default:
      return false;
  }
}

// SQLSTATE: connection, rolled back for another's sake, resources, lock not available, ended by the operator,
// read-only.
bool may_pass(const soci::postgresql_soci_error& e) {
  const auto state = e.sqlstate();
  for (const std::string_view klass : {"08", "40", "53", "55", "57", "25006"})
    if (state.starts_with(klass)) return true;
  return e.get_error_category() == soci::soci_error::connection_error;
}

// Rolled back so that another transaction could go on: a deadlock, or one that can't be serialized.
bool gave_way(const soci::soci_error& e) {
  const auto* of = dynamic_cast<const soci::postgresql_soci_error*>(&e);
  return of != nullptr && of->sqlstate().starts_with("40");
}

std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.pop_back();
  for (auto& c : text)
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  return text;
}

// soci_error::what() would quote bound values, which may be secrets.
sql_error described(const soci::soci_error& e) {
  auto what = sql_failure::refused;
  if (const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&e)) {
    if (may_pass(*sqlite)) what = sql_failure::unavailable;
    if ((sqlite->result() & 0xff) == SQLITE_CONSTRAINT) what = sql_failure::constraint;
  } else if (const auto* postgresql = dynamic_cast<const soci::postgresql_soci_error*>(&e)) {
    if (may_pass(*postgresql)) what = sql_failure::unavailable;
    if (postgresql->sqlstate().starts_with("23")) what = sql_failure::constraint;
  }
  return {what, one_line(e.get_error_message())};
}

// What SOCI's statement needs to stay where it is until it was executed.
struct bound_value {
  long long number = 0;
  std::string text;
  soci::indicator present = soci::i_ok;
};

void bind(soci::statement& to, std::deque<bound_value>& values, std::span<const sql_value> bound) {
  for (const auto& each : bound) {
    auto& v = values.emplace_back();
    if (const auto* number = std::get_if<std::int64_t>(&each.held())) {
      v.number = *number;
      to.exchange(soci::use(v.number));
      continue;
    }
    if (const auto* text = std::get_if<std::string>(&each.held()))
      v.text = *text;
    else
      v.present = soci::i_null;
    to.exchange(soci::use(v.text, v.present));
  }
}

std::optional<std::string> column_text(const soci::row& from, std::size_t column) {
  if (from.get_indicator(column) == soci::i_null) return std::nullopt;
  switch (from.get_properties(column).get_data_type()) {
    case soci::dt_string:
      return from.get<std::string>(column);
    case soci::dt_integer:
      return std::to_string(from.get<int>(column));
    case soci::dt_long_long:
      return std::to_string(from.get<long long>(column));
    case soci::dt_unsigned_long_long:
      return std::to_string(from.get<unsigned long long>(column));
    default:
      throw soci::soci_error("a column is neither a number nor a text");
  }
}

// An element of an array, as its text has it.
void append_quoted(std::string& to, std::string_view text) {
  to += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') to += '\\';
    to += c;
  }
  to += '"';
}

using prepared = std::unique_ptr<sqlite_api::sqlite3_stmt, int (*)(sqlite_api::sqlite3_stmt*)>;

void must(int result, int wanted, sqlite_api::sqlite3& on) {
  if (result != wanted) throw soci::sqlite3_soci_error(sqlite_api::sqlite3_errmsg(&on), result);
}

// By SQLite's own interface, as SOCI copies each value more than once on its way there.
void run_each(sqlite_api::sqlite3& on, std::string_view statement, const sql_rows& each) {
  sqlite_api::sqlite3_stmt* made = nullptr;
  const auto ready =
      sqlite_api::sqlite3_prepare_v2(&on, statement.data(), static_cast<int>(statement.size()), &made, nullptr);
  const prepared run(made, sqlite_api::sqlite3_finalize);
  must(ready, SQLITE_OK, on);
  for (std::size_t row = 0; row < each.size(); ++row) {
    int place = 0;
    for (const auto& value : each[row]) {
      ++place;
      if (const auto* number = std::get_if<std::int64_t>(&value.held())) {
        must(sqlite_api::sqlite3_bind_int64(run.get(), place, *number), SQLITE_OK, on);
      } else {
        const auto& text = std::get<std::string>(value.held());
        must(sqlite_api::sqlite3_bind_text(run.get(), place, text.data(), static_cast<int>(text.size()), SQLITE_STATIC),
             SQLITE_OK, on);
      }
    }
    const auto done = sqlite_api::sqlite3_step(run.get());
    if (done != SQLITE_ROW) must(done, SQLITE_DONE, on);
    sqlite_api::sqlite3_reset(run.get());
  }
}

void run_each(soci::session& on, std::string_view statement, const sql_rows& each) {
  soci::statement run(on);
  std::deque<bound_value> values;
  bind(run, values, each[0]);
  run.alloc();
  run.prepare(std::string(statement));
  run.define_and_bind();
  for (std::size_t row = 0; row < each.size(); ++row) {
    const auto of_row = each[row];
    for (std::size_t i = 0; i < of_row.size(); ++i) {
      if (const auto* number = std::get_if<std::int64_t>(&of_row[i].held()))
        values[i].number = *number;
      else
        values[i].text = std::get<std::string>(of_row[i].held());
    }
    run.execute(true);
  }
}

// Each connection is used by one thread at a time, and nobody asks SQLite how much memory it has: it needs no lock for
// either, of which it takes several for each value.
void without_locks() {
  static const bool once = [] {
    return sqlite_api::sqlite3_config(SQLITE_CONFIG_MULTITHREAD) == SQLITE_OK &&
           sqlite_api::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
  }();
  static_cast<void>(once);  // a refusal, from who was initialized earlier, costs only speed
}

// Created by us, so that the permissions are right from the first byte; SQLite gives its other files the same.
sql_result<void> make_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    return std::unexpected(
        sql_error{sql_failure::unavailable, fmt::format("cannot open {}: {}", path, std::strerror(errno))});
  ::close(file);
  return {};
}

sql_result<void> find_file(const std::string& path) {
  if (::access(path.c_str(), R_OK) == 0) return {};
  return std::unexpected(
      sql_error{sql_failure::unavailable, fmt::format("cannot open {}: {}", path, std::strerror(errno))});
}

std::string with_default(std::string url, std::string_view name, std::string_view value) {
  if (url.find(fmt::format("{}=", name)) != url.npos) return url;
  return fmt::format("{}{}{}={}", url, url.find('?') == url.npos ? '?' : '&', name, value);
}

// So that a host that vanished is noticed: libpq itself would wait for as long as TCP does.
std::string postgresql_url(std::string url, std::chrono::milliseconds timeout) {
  url = with_default(std::move(url), "connect_timeout", "5");
  url = with_default(std::move(url), "tcp_user_timeout", std::to_string(timeout.count()));
  return with_default(std::move(url), "application_name", "gonets");
}

void configure(soci::session& on, bool sqlite, const sql_options& with) {
  const auto ms = with.timeout.count();
  if (sqlite) {
    on << fmt::format("PRAGMA busy_timeout = {}", ms);
    on << fmt::format("PRAGMA cache_size = -{}", with.cache_bytes / 1024);
    if (with.read_only) {
      on << "PRAGMA query_only = ON";
      return;
    }
    on << fmt::format("PRAGMA wal_autocheckpoint = {}", with.wal_pages_max);
    on << fmt::format("PRAGMA secure_delete = {}", with.erase_deleted ? "ON" : "OFF");
    on << "PRAGMA journal_mode = WAL";
    on << fmt::format("PRAGMA synchronous = {}", with.sync_each ? "FULL" : "NORMAL");
    on << "PRAGMA foreign_keys = ON";
    return;
  }
  // Details of a message quote the row, which may hold a secret.
  ::PQsetErrorVerbosity(static_cast<soci::postgresql_session_backend*>(on.get_backend())->conn_, PQERRORS_TERSE);
  on << fmt::format("SET statement_timeout = {}", ms);
  on << fmt::format("SET lock_timeout = {}", ms);
  on << fmt::format("SET idle_in_transaction_session_timeout = {}", ms);
  on << "SET client_min_messages = warning";
}

}  // namespace

std::int64_t sql_row::integer(std::size_t column) const {
  const auto& held = columns_.at(column);
  std::int64_t number = 0;
  if (held) std::from_chars(held->data(), held->data() + held->size(), number);
  return number;
}

const std::string& sql_row::text(std::size_t column) const {
  static const std::string none;
  const auto& held = columns_.at(column);
  return held ? *held : none;
}

bool sql_row::null(std::size_t column) const {
  return !columns_.at(column).has_value();
}

void sql_session::fail(const soci::soci_error& e) {
  error_ = described(e);
  gave_way_ = gave_way(e);
}

std::vector<sql_row> sql_session::rows(std::string_view statement, std::span<const sql_value> bound) {
  std::vector<sql_row> all;
  if (error_) return all;
  try {
    soci::statement run(on_.soci);
    std::deque<bound_value> values;
    bind(run, values, bound);
    soci::row found;
    run.exchange(soci::into(found));
    run.alloc();
    run.prepare(std::string(statement));
    run.define_and_bind();
    run.execute(false);
    while (run.fetch()) {
      auto& made = all.emplace_back();
      for (std::size_t i = 0; i < found.size(); ++i)
        made.columns_.push_back(column_text(found, i));
    }
  } catch (const soci::soci_error& e) {
    fail(e);
    all.clear();
  }
  return all;
}

std::optional<sql_row> sql_session::row(std::string_view statement, std::initializer_list<sql_value> bound) {
  auto all = rows(statement, bound);
  if (all.empty()) return std::nullopt;
  return std::move(all.front());
}

std::uint64_t sql_session::change(std::string_view statement, std::span<const sql_value> bound) {
  if (error_) return 0;
  try {
    soci::statement run(on_.soci);
    std::deque<bound_value> values;
    bind(run, values, bound);
    run.alloc();
    run.prepare(std::string(statement));
    run.define_and_bind();
    run.execute(true);
    return static_cast<std::uint64_t>(std::max(0LL, run.get_affected_rows()));
  } catch (const soci::soci_error& e) {
    fail(e);
    return 0;
  }
}

void sql_session::change_each(std::string_view statement, const sql_rows& each) {
  if (error_ || each.empty()) return;
  try {
    if (embedded())
      run_each(*static_cast<soci::sqlite3_session_backend*>(on_.soci.get_backend())->conn_, statement, each);
    else
      run_each(on_.soci, statement, each);
  } catch (const soci::soci_error& e) {
    fail(e);
  }
}

bool sql_session::embedded() const {
  return on_.soci.get_backend_name() == "sqlite3";
}

std::string sql_session::unnested(const sql_rows& each, std::vector<sql_value>& bound) {
  std::string call = "unnest(";
  for (std::size_t column = 0; column < each.width(); ++column) {
    const bool number = std::holds_alternative<std::int64_t>(each[0][column].held());
    call += fmt::format("{}CAST(:c{} AS {}[])", column == 0 ? "" : ", ", column, number ? "BIGINT" : "TEXT");
    std::string array = "{";
    for (std::size_t row = 0; row < each.size(); ++row) {
      const auto& held = each[row][column].held();
      if (row != 0) array += ',';
      if (number)
        array += std::to_string(std::get<std::int64_t>(held));
      else
        append_quoted(array, std::get<std::string>(held));
    }
    array += '}';
    bound.emplace_back(std::move(array));
  }
  return call + ')';
}

void sql_session::insert_each(std::string_view table, std::string_view columns, std::string_view conflict,
                              const sql_rows& each) {
  if (error_ || each.empty()) return;
  if (!embedded()) {
    std::vector<sql_value> bound;
    const auto rows = unnested(each, bound);
    change(fmt::format("INSERT INTO {} ({}) SELECT * FROM {} {}", table, columns, rows, conflict), bound);
    return;
  }
  std::string values;
  for (std::size_t column = 0; column < each.width(); ++column)
    values += fmt::format("{}:c{}", column == 0 ? "" : ", ", column);
  change_each(fmt::format("INSERT INTO {} ({}) VALUES ({}) {}", table, columns, values, conflict), each);
}

sql_database::sql_database(sql_options options) : options_(std::move(options)) {}

sql_database::~sql_database() = default;

bool sql_database::embedded() const {
  return is_sqlite(options_.url);
}

sql_result<void> sql_database::connect() {
  const std::lock_guard lock(mutex_);
  return open();
}

sql_result<void> sql_database::erase_log() {
  const std::lock_guard lock(mutex_);
  if (auto opened = open(); !opened) return opened;
  try {
    int in_the_way = 0;
    session_->soci.once << "PRAGMA wal_checkpoint(TRUNCATE)", soci::into(in_the_way);
    if (in_the_way == 0) return {};
    return std::unexpected(sql_error{sql_failure::unavailable, "others are reading"});
  } catch (const soci::soci_error& e) {
    auto why = described(e);
    session_.reset();
    return std::unexpected(std::move(why));
  }
}

sql_result<bool> sql_database::sync() {
  const std::lock_guard lock(mutex_);
  if (auto opened = open(); !opened) return std::unexpected(std::move(opened.error()));
  try {
    int in_the_way = 0, pages = 0, copied = 0;
    session_->soci.once << "PRAGMA wal_checkpoint(PASSIVE)", soci::into(in_the_way), soci::into(pages),
        soci::into(copied);
    return in_the_way == 0 && copied == pages;
  } catch (const soci::soci_error& e) {
    auto why = described(e);
    session_.reset();
    return std::unexpected(std::move(why));
  }
}

// With mutex_ held.
sql_result<void> sql_database::open() {
  if (session_ && migrated_) return {};
  const bool sqlite = embedded();
  try {
    if (!session_) {
      auto fresh = std::make_unique<sql_session::impl>();
      if (sqlite) {
        without_locks();
        const auto path = options_.url.substr(sqlite_scheme.size());
        if (auto made = options_.read_only ? find_file(path) : make_file(path); !made) return made;
        fresh->soci.open(soci::sqlite3, fmt::format("dbname=\"{}\"", path));
      } else {
        fresh->soci.open(soci::postgresql, postgresql_url(options_.url, options_.timeout));
      }
      configure(fresh->soci, sqlite, options_);
      session_ = std::move(fresh);
    }
  } catch (const soci::soci_error& e) {
    auto why = described(e);
    if (!sqlite) why.what = sql_failure::unavailable;  // a wrong password, too, is put right while we run
    return std::unexpected(std::move(why));
  }
  migrated_ = migrated_ || (sqlite && options_.read_only);
  return migrated_ ? sql_result<void>() : migrate();
}

// Another node may be doing the same at this moment: who comes second finds nothing to do.
sql_result<void> sql_database::migrate() {
  const auto steps = options_.schema;
  sql_error refusal;
  auto next = again::no;
  auto done = attempt(
      true,
      [&](sql_session& s) {
        if (!embedded()) s.rows("SELECT CAST(pg_advisory_xact_lock(:key) AS TEXT)", {migration_lock});
        const auto& table = options_.schema_table;
        s.change(fmt::format("CREATE TABLE IF NOT EXISTS {} (version BIGINT NOT NULL)", table));
        const auto found = s.row(fmt::format("SELECT version FROM {}", table));
        const auto version = found ? static_cast<std::size_t>(found->integer(0)) : 0;
        if (version > steps.size()) {
          refusal = {sql_failure::refused,
                     fmt::format("the database has schema {}, this release knows {} at most: run the newer release",
                                 version, steps.size())};
          return false;
        }
        if (version == steps.size()) return true;
        for (const auto& step : steps.subspan(version))
          for (const auto statement : step.statements)
            s.change(statement);
        if (!found)
          s.change(fmt::format("INSERT INTO {} (version) VALUES (:version)", table), {steps.size()});
        else
          s.change(fmt::format("UPDATE {} SET version = :version", table), {steps.size()});
        return true;
      },
      next);
  migrated_ = done.has_value() && refusal.detail.empty();
  if (!refusal.detail.empty()) {
    session_.reset();
    return std::unexpected(refusal);
  }
  return done;
}

sql_result<void> sql_database::transact(bool writes, const std::function<bool(sql_session&)>& work) {
  const std::lock_guard lock(mutex_);
  bool may_be_stale = session_ != nullptr;  // a connection that was idle may have been lost long ago
  for (int tries = 1;; ++tries) {
    if (auto opened = open(); !opened) return opened;
    auto next = again::no;
    auto done = attempt(writes, work, next);
    const bool lost = next != again::no && !session_ && std::exchange(may_be_stale, false);
    if (done || tries == tries_max || (!lost && next != again::at_once)) return done;
  }
}

// One try, on an open connection; drops the connection when it is lost. `next`: what a failed one that left nothing
// behind allows; after a COMMIT without an answer nobody knows.
sql_result<void> sql_database::attempt(bool writes, const std::function<bool(sql_session&)>& work, again& next) {
  const bool sqlite = embedded();
  auto& on = session_->soci;
  next = again::on_new_connection;
  sql_session s(*session_);
  try {
    if (sqlite)
      on << (writes ? "BEGIN IMMEDIATE" : "BEGIN");
    else
      on << (writes ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const bool keep = work(s);
    if (keep && !s.failed()) {
      next = again::no;
      on << "COMMIT";
      return {};
    }
    on << "ROLLBACK";
    if (s.gave_way_) next = again::at_once;
  } catch (const soci::soci_error& e) {
    if (!s.error_) s.error_ = described(e);
    // SQLite keeps a transaction open whose COMMIT found a lock; a new connection is the simplest way to be rid of it.
    session_.reset();
  } catch (...) {
    session_.reset();
    throw;
  }
  if (s.error_ && session_ && !sqlite && !on.is_connected()) session_.reset();
  if (s.error_) return std::unexpected(std::move(*s.error_));
  return {};
}

}  // namespace gonets::storage
