// The one place that knows SQL: SQLite or PostgreSQL, through SOCI. For what is relational and changes seldom:
// accounts, domains, reports. Every call may block for as long as the database does: for a pool of threads, never for a
// shard.
#pragma once
#include <chrono>
#include <concepts>
#include <cstdint>
#include <expected>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "storage/schema.h"

namespace soci {
class soci_error;
}

namespace gonets::storage {

enum class sql_failure : std::uint8_t {
  unavailable,  // can't be reached, is locked or full: the same may work later
  constraint,   // something of that key exists, or what is referred to doesn't
  refused       // anything else: a defect of ours, or a database that is not ours
};
struct sql_error {
  sql_failure what = sql_failure::refused;
  std::string detail;  // for the operator; never with a bound value
};
template <class T>
using sql_result = std::expected<T, sql_error>;

// What is bound to a placeholder. Texts must be UTF-8 without NUL: bytes go in as base64 or hex.
class sql_value {
 public:
  template <std::integral T>
  sql_value(T number) : held_(static_cast<std::int64_t>(number)) {}  // NOLINT(google-explicit-constructor)
  sql_value(std::string text) : held_(std::move(text)) {}            // NOLINT(google-explicit-constructor)
  sql_value(std::string_view text) : held_(std::string(text)) {}     // NOLINT(google-explicit-constructor)
  sql_value(const char* text) : held_(std::string(text)) {}          // NOLINT(google-explicit-constructor)
  sql_value(std::nullopt_t) {}                                       // NOLINT(google-explicit-constructor)
  using variant = std::variant<std::monostate, std::int64_t, std::string>;
  const variant& held() const { return held_; }

 private:
  variant held_;
};

// Rows to be written: all of one width, with values of the same types in the same order, none null.
class sql_rows {
 public:
  template <class... Values>
  void add(Values&&... values) {
    width_ = sizeof...(values);
    (values_.emplace_back(std::forward<Values>(values)), ...);
  }
  std::size_t width() const { return width_; }
  std::size_t size() const { return values_.size() / width_; }
  bool empty() const { return values_.empty(); }
  std::span<sql_value> operator[](std::size_t row) { return std::span(values_).subspan(row * width_, width_); }
  std::span<const sql_value> operator[](std::size_t row) const {
    return std::span(values_).subspan(row * width_, width_);
  }

 private:
  std::size_t width_ = 1;
  std::vector<sql_value> values_;
};

// Columns are numbered from 0. Null reads as 0 and "".
class sql_row {
 public:
  std::int64_t integer(std::size_t column) const;
  const std::string& text(std::size_t column) const;
  bool null(std::size_t column) const;

 private:
  friend class sql_session;
  std::vector<std::optional<std::string>> columns_;
};

// A transaction that is under way. After the first failure every further statement does nothing and finds nothing, and
// the transaction ends with that failure: so results need not be asked for it one by one.
//
// Placeholders are `:name`; each name stands once in a statement, and values are bound in the order in which the names
// appear. Tables are declared with BIGINT and TEXT only, which both engines read alike.
class sql_session {
 public:
  struct impl;
  std::vector<sql_row> rows(std::string_view statement, std::span<const sql_value> bound);
  std::vector<sql_row> rows(std::string_view statement, std::initializer_list<sql_value> bound = {}) {
    return rows(statement, std::span(bound.begin(), bound.size()));
  }
  std::optional<sql_row> row(std::string_view statement, std::initializer_list<sql_value> bound = {});  // the first
  std::uint64_t change(std::string_view statement, std::initializer_list<sql_value> bound = {}) {       // how many rows
    return change(statement, std::span(bound.begin(), bound.size()));
  }
  std::uint64_t change(std::string_view statement, std::span<const sql_value> bound);
  // The same change with each of `each`, prepared once.
  void change_each(std::string_view statement, const sql_rows& each);
  // Adds rows to `table`, each with values for `columns` ("a, b, c"); `conflict` as SQL has it. In few statements,
  // which of PostgreSQL takes one round trip for all rows.
  void insert_each(std::string_view table, std::string_view columns, std::string_view conflict, const sql_rows& each);
  // As a table of PostgreSQL, to stand behind FROM: one bound value a column.
  static std::string unnested(const sql_rows& each, std::vector<sql_value>& bound);
  bool embedded() const;  // as of its database
  bool failed() const { return error_.has_value(); }

 private:
  friend class sql_database;
  explicit sql_session(impl& on) : on_(on) {}
  impl& on_;
  void fail(const soci::soci_error& e);
  std::optional<sql_error> error_;
  bool gave_way_ = false;  // to another transaction: the same may work at once
};

struct sql_options {
  std::string url;                            // "sqlite:/path" or "postgresql://..." as libpq reads it
  std::chrono::milliseconds timeout{10'000};  // of a statement, and of waiting for another's lock
  std::span<const schema_step> schema = schema_steps();
  std::string schema_table = "schema";  // where the number of steps stands
  // Of SQLite. To read beside the connection that writes: nothing is made, nothing brought to the present schema.
  bool read_only = false;
  std::uint64_t cache_bytes = 2'097'152;  // of pages, in memory
  std::uint64_t wal_pages_max = 1000;     // then they are copied into the file
  bool erase_deleted = false;             // what is deleted is overwritten, in the file; erase_log() does the rest
  // false: the loss of power may undo the latest transactions, the last of them first. sync() keeps them.
  bool sync_each = true;
};

// One connection, used by one thread at a time; the others wait. Opened, and brought to the present schema
// (storage/schema.h), when first used; opened anew after it was lost.
class sql_database {
 public:
  explicit sql_database(sql_options options);
  ~sql_database();
  sql_database(const sql_database&) = delete;
  sql_database& operator=(const sql_database&) = delete;

  bool embedded() const;       // SQLite: nobody else writes, and it is never "down"
  sql_result<void> connect();  // opens now, to learn whether it can be
  // Of SQLite: nothing of what was deleted before stays in the write-ahead log. Fails with `unavailable` while another
  // connection reads for longer than the timeout.
  sql_result<void> erase_log();
  // Of SQLite without `sync_each`: whether all that was written is safe on the disk now. It is not while another
  // connection reads what was before: ask again later.
  sql_result<bool> sync();
  // One consistent view of the data; the work must not change any. `work` takes a sql_session& and returns a
  // std::expected whose error can be made from a sql_error.
  template <class Work>
  auto read(Work&& work) {
    return run(false, std::forward<Work>(work));
  }
  // All of it or nothing: committed, and safe on the disk if `sync_each`, when it returns a value; undone when `work`
  // returned an error. Work may run again, when the connection turned out to be lost or it gave way to another one.
  template <class Work>
  auto write(Work&& work) {
    return run(true, std::forward<Work>(work));
  }

 private:
  template <class Work>
  auto run(bool writes, Work&& work) {
    using outcome = std::invoke_result_t<Work&, sql_session&>;
    std::optional<outcome> made;
    auto ended = transact(writes, [&](sql_session& s) {
      made.emplace(work(s));
      return made->has_value();
    });
    if (!ended) return outcome(std::unexpected(typename outcome::error_type(std::move(ended.error()))));
    return std::move(*made);
  }
  sql_result<void> transact(bool writes, const std::function<bool(sql_session&)>& work);
  sql_result<void> open();
  sql_result<void> migrate();
  enum class again : std::uint8_t { no, on_new_connection, at_once };
  sql_result<void> attempt(bool writes, const std::function<bool(sql_session&)>& work, again& next);

  const sql_options options_;
  std::mutex mutex_;
  std::unique_ptr<sql_session::impl> session_;  // null: not connected
  bool migrated_ = false;
};

}  // namespace gonets::storage
