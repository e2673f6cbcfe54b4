// The one place that knows RocksDB: an ordered store of byte strings in families, with atomic batches, one write-ahead
// log, checksums and recovery. Thread-safe, except that one thread at a time (the committer) writes.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rocksdb {
class FileSystem;
class WriteBatch;
}  // namespace rocksdb

namespace gonets::storage {

// Grammars of keys and values: docs/formats/spool.md.
enum class family : std::uint8_t { meta, messages, bodies, recipients, events, history, quotas, suppression };
inline constexpr std::size_t family_count = 8;

enum class failure : std::uint8_t { no_space, io, corruption };
struct error {
  failure what = failure::io;
  std::string detail;  // for the operator
};
template <class T>
using result = std::expected<T, error>;

// A list of writes that happen together or not at all.
class batch {
 public:
  batch();
  ~batch();
  batch(batch&&) noexcept;
  batch& operator=(batch&&) noexcept;
  void put(family in, std::string_view key, std::string_view value);
  // The value is the concatenation of `parts`, which is copied once.
  void put(family in, std::string_view key, std::span<const std::string_view> parts);
  // For keys that are written exactly once and removed exactly once: the pair disappears in the memtable.
  void remove_once(family in, std::string_view key);
  void remove(family in, std::string_view key);
  void remove_range(family in, std::string_view from, std::string_view to);  // [from, to)
  void clear();
  bool empty() const;
  std::size_t bytes() const;

 private:
  friend class store;
  std::unique_ptr<rocksdb::WriteBatch> rep_;
};

enum class durability : std::uint8_t {
  synced,   // on return it survives a power cut, and so does every batch written before it
  buffered  // survives once a later synced batch has been written
};

struct store_options {
  std::string path;
  bool read_only = false;  // replays the log into memory and changes nothing on disk; for a stopped server's spool
  std::uint64_t wal_bytes_max = 134'217'728;  // bounds the time of recovery
  std::size_t block_cache_bytes = 16'777'216;
  // Tests inject faults here; must outlive the store. Null: the real file system.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

// A consistent view at one moment; must not outlive its store. Void after recover(): scans with it then fail.
class store;
class snapshot {
 public:
  ~snapshot();
  snapshot(snapshot&&) noexcept;

 private:
  friend class store;
  struct impl;
  explicit snapshot(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

class store {
 public:
  struct impl;
  static result<std::unique_ptr<store>> open(const store_options& options);
  ~store();

  result<void> write(batch& b, durability how);
  // Makes all that was written before durable.
  result<void> sync();
  result<std::optional<std::string>> get(family in, std::string_view key) const;
  // As get() of each, in their order, at one moment and for less.
  result<std::vector<std::optional<std::string>>> get_all(family in, std::span<const std::string> keys) const;
  // Visits [from, to) in order (an empty `to`: to the end) until `visit` returns false. `how_many`: what is read ahead.
  enum class reach : std::uint8_t { many, few };
  using visitor = std::function<bool(std::string_view key, std::string_view value)>;
  result<void> scan(family in, std::string_view from, std::string_view to, const visitor& visit,
                    const snapshot* at = nullptr, reach how_many = reach::many) const;
  // The last key of the family, if any.
  result<std::optional<std::string>> last_key(family in) const;
  snapshot take_snapshot() const;

  // After a failed write: makes the store writable again, by opening it anew. What the failed batch wrote may then be
  // there or not: the caller must bring those keys to a known state.
  result<void> recover();
  // Gives the disk space of removed bodies back; may take long: for a background thread.
  void compact();
  std::uint64_t disk_bytes() const;
  std::string statistics() const;  // for people

 private:
  explicit store(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

// Free bytes on the file system of `path` for an unprivileged user; nothing if it can't be told.
std::optional<std::uint64_t> free_bytes(const std::string& path);

}  // namespace gonets::storage
