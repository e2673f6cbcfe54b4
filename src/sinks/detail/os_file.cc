#include "sinks/detail/os_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace gonets::sinks::detail {
namespace {

constexpr mode_t mode = 0640;

std::unexpected<std::string> failure(const std::string& path) {
  return std::unexpected(path + ": " + std::generic_category().message(errno));
}

}  // namespace

os_file::~os_file() {
  if (fd_ >= 0) ::close(fd_);
}

os_file::os_file(os_file&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

os_file& os_file::operator=(os_file&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

std::unexpected<std::string> os_file::failed() const {
  return failure(path_);
}

outcome<os_file> os_file::open_at(const std::string& path, int flags) {
  os_file made;
  made.path_ = path;
  made.fd_ = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (made.fd_ < 0) return made.failed();
  return made;
}

outcome<void> os_file::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed();
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

outcome<void> os_file::truncate(std::uint64_t bytes) {
  const auto at = static_cast<off_t>(bytes);
  if (::ftruncate(fd_, at) != 0 || ::lseek(fd_, at, SEEK_SET) != at) return failed();
  return {};
}

outcome<void> os_file::sync() {
  if (::fdatasync(fd_) != 0) return failed();
  return {};
}

outcome<std::uint64_t> os_file::size() const {
  struct stat found {};
  if (::fstat(fd_, &found) != 0) return failed();
  return static_cast<std::uint64_t>(found.st_size);
}

outcome<void> sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failure(path);
  const bool synced = ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  if (!synced) return failure(path);
  return {};
}

outcome<void> rename_file(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return failure(from);
  return sync_folder(std::filesystem::path(to).parent_path());
}

outcome<void> replace_file(const std::string& path, std::string_view content) {
  const auto fresh = path + ".new";
  auto file = os_file::open_at(fresh, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return std::unexpected(std::move(file.error()));
  if (auto done = file->write(content); !done) return done;
  if (auto done = file->sync(); !done) return done;
  return rename_file(fresh, path);
}

}  // namespace gonets::sinks::detail
