#include "storage/store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <shared_mutex>
#include <vector>

#include "base/log.h"

namespace gonets::storage {
namespace {

using rocksdb::Slice;

constexpr std::array<const char*, family_count> family_names = {"default", "messages", "bodies", "recipients",
                                                                "events",  "history",  "quotas", "suppression"};
// A message lives for milliseconds: with a small memtable the put and the removal meet before either reaches a file,
// and the pages of memory stay warm (measured: a large one costs a quarter more CPU).
constexpr std::size_t memtable_bytes = 16 * 1024 * 1024;
constexpr std::size_t blob_bytes_min = 512;

Slice to_slice(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view to_view(const Slice& slice) {
  return {slice.data(), slice.size()};
}

error to_error(const rocksdb::Status& status) {
  auto what = failure::io;
  if (status.IsNoSpace()) what = failure::no_space;
  if (status.IsCorruption()) what = failure::corruption;
  return {what, status.ToString()};
}

// RocksDB's own log, without a file: Debian's build aborts when it is written to after the disk was full. What is wrong
// goes to ours.
class warnings_to_log final : public rocksdb::Logger {
 public:
  warnings_to_log() : Logger(rocksdb::InfoLogLevel::ERROR_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}  // headers, and what has no level
  void Logv(const rocksdb::InfoLogLevel at, const char* format, va_list arguments) override {
    if (at < GetInfoLogLevel()) return;
    std::array<char, 1024> text;
    std::vsnprintf(text.data(), text.size(), format, arguments);
    GONETS_LOG(warning, "rocksdb", "text", std::string_view(text.data()));
  }
};

// recover() is the only way back from an error: RocksDB's would race with it for the log that failed.
class no_recovery_by_itself final : public rocksdb::EventListener {
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* automatic) override {
    *automatic = false;
  }
};

// WriteBatch addresses families by number; store::open checks that they were made in this order.
std::uint32_t number_of(family f) {
  return static_cast<std::uint32_t>(f);
}

rocksdb::ColumnFamilyOptions options_of(family f, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = memtable_bytes;
  options.max_write_buffer_number = 4;
  options.compression = rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.format_version = 5;
  if (f == family::messages || f == family::recipients) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  if (f == family::suppression) {
    // Far larger than the cache: a look-up reads some blocks of its file's index and filter, not all of them.
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.partition_filters = true;
    table.cache_index_and_filter_blocks_with_high_priority = true;
    table.pin_top_level_index_and_filter = true;
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  if (f == family::bodies) {
    options.enable_blob_files = true;
    options.min_blob_size = blob_bytes_min;
    options.blob_file_size = 64 * 1024 * 1024;
    options.enable_blob_garbage_collection = true;
    options.blob_garbage_collection_age_cutoff = 0.5;
    options.blob_garbage_collection_force_threshold = 0.5;
  }
  if (f == family::events || f == family::history) options.compression = rocksdb::kLZ4Compression;
  return options;
}

rocksdb::DBOptions database_options(const store_options& from, rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_total_wal_size = from.wal_bytes_max;
  options.max_background_jobs = 2;
  options.max_open_files = 512;
  options.info_log = std::make_shared<warnings_to_log>();
  options.listeners = {std::make_shared<no_recovery_by_itself>()};
  options.stats_dump_period_sec = 0;
  options.recycle_log_file_num = 0;
  options.bytes_per_sync = 1024 * 1024;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.avoid_flush_during_shutdown = true;
  options.enable_pipelined_write = false;
  return options;
}

}  // namespace

batch::batch() : rep_(std::make_unique<rocksdb::WriteBatch>()) {}
batch::~batch() = default;
batch::batch(batch&&) noexcept = default;
batch& batch::operator=(batch&&) noexcept = default;

namespace {

// Only the number counts in a WriteBatch; a full handle belongs to an open database.
class family_number final : public rocksdb::ColumnFamilyHandle {
 public:
  explicit family_number(std::uint32_t id) : id_(id) {}
  const std::string& GetName() const override { return name_; }
  std::uint32_t GetID() const override { return id_; }
  rocksdb::Status GetDescriptor(rocksdb::ColumnFamilyDescriptor*) override { return rocksdb::Status::NotSupported(); }
  const rocksdb::Comparator* GetComparator() const override { return rocksdb::BytewiseComparator(); }

 private:
  std::uint32_t id_;
  std::string name_;
};

rocksdb::ColumnFamilyHandle* handle_of(family f) {
  static std::array<family_number, family_count> handles = {family_number(0), family_number(1), family_number(2),
                                                            family_number(3), family_number(4), family_number(5),
                                                            family_number(6), family_number(7)};
  return &handles[number_of(f)];
}

}  // namespace

void batch::put(family in, std::string_view key, std::string_view value) {
  rep_->Put(handle_of(in), to_slice(key), to_slice(value));
}
void batch::put(family in, std::string_view key, std::span<const std::string_view> parts) {
  std::array<Slice, 8> slices;
  if (parts.size() > slices.size()) std::abort();  // a programming error: callers have a fixed number of parts
  for (std::size_t i = 0; i < parts.size(); ++i)
    slices[i] = to_slice(parts[i]);
  const Slice key_slice = to_slice(key);
  rep_->Put(handle_of(in), rocksdb::SliceParts(&key_slice, 1),
            rocksdb::SliceParts(slices.data(), static_cast<int>(parts.size())));
}
void batch::remove_once(family in, std::string_view key) {
  rep_->SingleDelete(handle_of(in), to_slice(key));
}
void batch::remove(family in, std::string_view key) {
  rep_->Delete(handle_of(in), to_slice(key));
}
void batch::remove_range(family in, std::string_view from, std::string_view to) {
  rep_->DeleteRange(handle_of(in), to_slice(from), to_slice(to));
}
void batch::clear() {
  rep_->Clear();
}
bool batch::empty() const {
  return rep_->Count() == 0;
}
std::size_t batch::bytes() const {
  return rep_->GetDataSize();
}

struct store::impl {
  store_options options;
  std::uint64_t generation = 0;  // of `db`: snapshots of an earlier one are void
  std::unique_ptr<rocksdb::Env> wrapped_env;
  std::shared_ptr<rocksdb::Cache> cache;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  // recover() may replace the database under readers on other threads.
  mutable std::shared_mutex mutex;

  ~impl() { close(); }

  void close() {
    if (!db) return;
    for (auto* handle : handles)
      db->DestroyColumnFamilyHandle(handle);
    handles.clear();
    db.reset();
  }

  result<void> open() {
    auto* env = wrapped_env ? wrapped_env.get() : rocksdb::Env::Default();
    const auto db_options = database_options(options, env);
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (std::size_t i = 0; i < family_count; ++i) {
      descriptors.emplace_back(family_names[i], options_of(static_cast<family>(i), cache));
    }
    rocksdb::DB* opened = nullptr;
    const auto status = options.read_only
                            ? rocksdb::DB::OpenForReadOnly(db_options, options.path, descriptors, &handles, &opened)
                            : rocksdb::DB::Open(db_options, options.path, descriptors, &handles, &opened);
    if (!status.ok()) return std::unexpected(to_error(status));
    db.reset(opened);
    ++generation;
    for (std::size_t i = 0; i < family_count; ++i) {
      if (handles[i]->GetID() != i) {
        return std::unexpected(error{failure::corruption, "families of " + options.path + " are not ours"});
      }
    }
    return {};
  }

  rocksdb::ColumnFamilyHandle* handle(family f) const { return handles[number_of(f)]; }
};

struct snapshot::impl {
  const store::impl* of;
  std::uint64_t generation;
  const rocksdb::Snapshot* at;

  bool valid() const { return of->db && of->generation == generation; }
};
snapshot::snapshot(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
snapshot::snapshot(snapshot&&) noexcept = default;
snapshot::~snapshot() {
  if (!impl_) return;
  const std::shared_lock lock(impl_->of->mutex);
  if (impl_->valid()) impl_->of->db->ReleaseSnapshot(impl_->at);
}

store::store(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
store::~store() = default;

result<std::unique_ptr<store>> store::open(const store_options& options) {
  auto made = std::make_unique<impl>();
  made->options = options;
  made->cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  if (options.file_system) made->wrapped_env = rocksdb::NewCompositeEnv(options.file_system);
  if (auto opened = made->open(); !opened) return std::unexpected(opened.error());
  return std::unique_ptr<store>(new store(std::move(made)));
}

result<void> store::write(batch& b, durability how) {
  const std::shared_lock lock(impl_->mutex);
  if (!impl_->db) return std::unexpected(error{failure::io, "the spool could not be opened again"});
  rocksdb::WriteOptions options;
  options.sync = how == durability::synced;
  const auto status = impl_->db->Write(options, b.rep_.get());
  if (!status.ok()) return std::unexpected(to_error(status));
  return {};
}

result<void> store::sync() {
  const std::shared_lock lock(impl_->mutex);
  if (!impl_->db) return std::unexpected(error{failure::io, "the spool could not be opened again"});
  const auto status = impl_->db->FlushWAL(true);
  if (!status.ok()) return std::unexpected(to_error(status));
  return {};
}

result<std::optional<std::string>> store::get(family in, std::string_view key) const {
  const std::shared_lock lock(impl_->mutex);
  if (!impl_->db) return std::unexpected(error{failure::io, "the spool could not be opened again"});
  std::string value;
  const auto status = impl_->db->Get(rocksdb::ReadOptions(), impl_->handle(in), to_slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return std::unexpected(to_error(status));
  return std::optional<std::string>(std::move(value));
}

result<std::vector<std::optional<std::string>>> store::get_all(family in, std::span<const std::string> keys) const {
  const std::shared_lock lock(impl_->mutex);
  if (!impl_->db) return std::unexpected(error{failure::io, "the spool could not be opened again"});
  std::vector<Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  impl_->db->MultiGet(rocksdb::ReadOptions(), impl_->handle(in), keys.size(), slices.data(), values.data(),
                      statuses.data());
  std::vector<std::optional<std::string>> found(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    if (!statuses[i].ok()) return std::unexpected(to_error(statuses[i]));
    found[i] = values[i].ToString();
  }
  return found;
}

result<void> store::scan(family in, std::string_view from, std::string_view to, const visitor& visit,
                         const snapshot* at, reach how_many) const {
  const std::shared_lock lock(impl_->mutex);
  if (!impl_->db) return std::unexpected(error{failure::io, "the spool could not be opened again"});
  rocksdb::ReadOptions options;
  const Slice upper = to_slice(to);
  if (!to.empty()) options.iterate_upper_bound = &upper;
  if (how_many == reach::many) {
    options.fill_cache = false;
    options.readahead_size = 1024 * 1024;
  }
  if (at != nullptr) {
    if (!at->impl_->valid()) return std::unexpected(error{failure::io, "the spool was opened anew meanwhile"});
    options.snapshot = at->impl_->at;
  }
  const std::unique_ptr<rocksdb::Iterator> it(impl_->db->NewIterator(options, impl_->handle(in)));
  for (it->Seek(to_slice(from)); it->Valid(); it->Next()) {
    if (!visit(to_view(it->key()), to_view(it->value()))) return {};
  }
  if (!it->status().ok()) return std::unexpected(to_error(it->status()));
  return {};
}

result<std::optional<std::string>> store::last_key(family in) const {
  const std::shared_lock lock(impl_->mutex);
  const std::unique_ptr<rocksdb::Iterator> it(impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->handle(in)));
  it->SeekToLast();
  if (it->Valid()) return std::optional(it->key().ToString());
  if (!it->status().ok()) return std::unexpected(to_error(it->status()));
  return std::optional<std::string>();
}

snapshot store::take_snapshot() const {
  const std::shared_lock lock(impl_->mutex);
  const auto* at = impl_->db ? impl_->db->GetSnapshot() : nullptr;
  return snapshot(std::make_unique<snapshot::impl>(snapshot::impl{impl_.get(), impl_->generation, at}));
}

result<void> store::recover() {
  const std::unique_lock lock(impl_->mutex);
  // Opening anew, rather than DB::Resume: after a failed sync the pages of the log are in an unknown state, and only a
  // new log and a replay of the old one give a known one.
  impl_->close();
  return impl_->open();
}

void store::compact() {
  const std::shared_lock lock(impl_->mutex);
  if (!impl_->db) return;
  for (const auto f : {family::messages, family::bodies, family::recipients}) {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    options.blob_garbage_collection_age_cutoff = 1.0;
    impl_->db->CompactRange(options, impl_->handle(f), nullptr, nullptr);
  }
}

std::uint64_t store::disk_bytes() const {
  const std::shared_lock lock(impl_->mutex);
  if (!impl_->db) return 0;
  std::uint64_t total = 0;
  for (auto* handle : impl_->handles) {
    for (const auto* property : {"rocksdb.total-sst-files-size", "rocksdb.total-blob-file-size"}) {
      std::uint64_t value = 0;
      if (impl_->db->GetIntProperty(handle, property, &value)) total += value;
    }
  }
  return total;
}

std::string store::statistics() const {
  const std::shared_lock lock(impl_->mutex);
  std::string text;
  if (impl_->db) impl_->db->GetProperty("rocksdb.stats", &text);
  return text;
}

std::optional<std::uint64_t> free_bytes(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace gonets::storage
