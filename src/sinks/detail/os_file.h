// Files by descriptor, with errors for the operator: "FILE: No space left on device".
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace gonets::sinks {

template <class T>
using outcome = std::expected<T, std::string>;

namespace detail {

class os_file {
 public:
  os_file() = default;
  ~os_file();
  os_file(os_file&& other) noexcept;
  os_file& operator=(os_file&& other) noexcept;

  static outcome<os_file> open_at(const std::string& path, int flags);
  outcome<void> write(std::string_view bytes);
  outcome<void> truncate(std::uint64_t bytes);  // and goes on from there
  outcome<void> sync();
  outcome<std::uint64_t> size() const;

 private:
  std::unexpected<std::string> failed() const;
  std::string path_;
  int fd_ = -1;
};

// Replaces the file, so that a crash leaves the old content or the new one.
outcome<void> replace_file(const std::string& path, std::string_view content);
outcome<void> rename_file(const std::string& from, const std::string& to);  // within a folder; synced
outcome<void> sync_folder(const std::string& path);

}  // namespace detail
}  // namespace gonets::sinks
