// Test support: a file system over the real one whose syncs and writes can be made to fail, and whose power can be cut:
// what was not synced is then gone. Thread-safe.
#pragma once
#include <rocksdb/file_system.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace gonets::storage {

class faulty_file_system final : public rocksdb::FileSystemWrapper {
 public:
  faulty_file_system() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "faulty_file_system"; }

  std::atomic<bool> syncs_fail{false};
  std::atomic<bool> disk_full{false};
  std::atomic<bool> dead{false};  // after a power cut nothing works any more
  std::atomic<unsigned> syncs{0};

  // From now on nothing is written. Call restore_power() once the store is closed.
  void cut_power() { dead = true; }
  // Cuts every file back to what had been synced.
  void restore_power() {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, bytes] : synced_) {
      std::error_code gone;
      if (std::filesystem::file_size(path, gone) > bytes && !gone) std::filesystem::resize_file(path, bytes);
    }
    synced_.clear();
    dead = false;
  }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    if (auto refused = refusal(); !refused.ok()) return refused;
    auto status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
    if (!status.ok()) return status;
    note_synced(path, 0);
    *result = std::make_unique<file>(std::move(*result), *this, path);
    return status;
  }

  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (auto refused = refusal(); !refused.ok()) return refused;
    auto status = FileSystemWrapper::RenameFile(from, to, options, debug);
    const std::lock_guard lock(mutex_);
    if (auto moved = synced_.extract(from); status.ok() && moved) {
      moved.key() = to;
      synced_.erase(to);
      synced_.insert(std::move(moved));
    }
    return status;
  }

  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (auto refused = refusal(); !refused.ok()) return refused;
    return FileSystemWrapper::DeleteFile(path, options, debug);
  }

 private:
  class file final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    file(std::unique_ptr<rocksdb::FSWritableFile>&& target, faulty_file_system& owner, std::string path)
        : FSWritableFileOwnerWrapper(std::move(target)), owner_(owner), path_(std::move(path)) {}

    using FSWritableFileOwnerWrapper::Append;
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (auto refused = owner_.refusal(); !refused.ok()) return refused;
      bytes_ += data.size();
      return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo& verify, rocksdb::IODebugContext* debug) override {
      if (auto refused = owner_.refusal(); !refused.ok()) return refused;
      bytes_ += data.size();
      return FSWritableFileOwnerWrapper::Append(data, options, verify, debug);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      return synced(FSWritableFileOwnerWrapper::Sync(options, debug));
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      return synced(FSWritableFileOwnerWrapper::Fsync(options, debug));
    }

   private:
    rocksdb::IOStatus synced(rocksdb::IOStatus status) {
      if (owner_.dead) return rocksdb::IOStatus::IOError("no power");
      if (owner_.syncs_fail) return rocksdb::IOStatus::IOError("injected: fsync failed");
      ++owner_.syncs;
      if (status.ok()) owner_.note_synced(path_, bytes_);
      return status;
    }
    faulty_file_system& owner_;
    const std::string path_;
    std::uint64_t bytes_ = 0;
  };

  rocksdb::IOStatus refusal() const {
    if (dead) return rocksdb::IOStatus::IOError("no power");
    if (disk_full) return rocksdb::IOStatus::NoSpace("injected: disk full");
    return rocksdb::IOStatus::OK();
  }
  void note_synced(const std::string& path, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    synced_[path] = bytes;
  }

  std::mutex mutex_;
  std::map<std::string, std::uint64_t> synced_;
};

}  // namespace gonets::storage
