#include "httpd/detail/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace gonets::httpd::detail {
namespace {

constexpr mode_t socket_mode = 0660;
constexpr mode_t directory_mode = 0750;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class descriptor {
 public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    throw std::runtime_error("cannot listen on " + path + ": the path of a Unix socket has at most " +
                             std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

void give_to(const std::string& path, const std::optional<std::pair<uid_t, gid_t>>& owner) {
  if (owner && ::chown(path.c_str(), owner->first, owner->second) != 0) fail("cannot change the owner of " + path);
}

void make_parent(const std::string& path, const std::optional<std::pair<uid_t, gid_t>>& owner) {
  const auto parent = std::filesystem::path(path).parent_path();
  if (parent.empty() || std::filesystem::exists(parent)) return;
  if (::mkdir(parent.c_str(), directory_mode) != 0) {
    if (errno == EEXIST) return;
    fail("cannot make " + parent.string() + " for the API's socket");
  }
  give_to(parent.string(), owner);
}

void remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return;
  if (!S_ISSOCK(found.st_mode)) {
    throw std::runtime_error("cannot listen on " + path + ": there is a file that is not a socket; remove it");
  }
  const descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) fail("socket");
  // EAGAIN: its backlog is full, so somebody does listen.
  if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN) {
    throw std::runtime_error("cannot listen on " + path + ": another server is running there");
  }
  if (errno != ECONNREFUSED) fail("cannot tell whether another server listens on " + path);
  if (::unlink(path.c_str()) != 0) fail("cannot remove the stale socket " + path);
}

}  // namespace

int listen_on(const std::string& path, const std::optional<std::pair<uid_t, gid_t>>& owner, int backlog) {
  const auto address = address_of(path);
  make_parent(path, owner);
  remove_stale(path, address);
  descriptor made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (made.get() < 0) fail("socket");
  // Linux creates the file with this mode less the umask, so that it is never open to everybody, not even until chmod.
  if (::fchmod(made.get(), socket_mode) != 0) fail("fchmod");
  if (::bind(made.get(), generic(address), sizeof address) != 0) fail("cannot listen on " + path);
  if (::chmod(path.c_str(), socket_mode) != 0) fail("cannot set the mode of " + path);
  give_to(path, owner);
  if (::listen(made.get(), backlog) != 0) fail("cannot listen on " + path);
  return made.release();
}

}  // namespace gonets::httpd::detail
