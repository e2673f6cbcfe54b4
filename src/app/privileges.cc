#include "app/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace gonets::app {
namespace {

[[noreturn]] void fail(const std::string& doing) {
  throw std::system_error(errno, std::generic_category(), doing);
}

}  // namespace

std::pair<uid_t, gid_t> find_user(const std::string& name) {
  const auto* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) {
    throw std::runtime_error("there is no user \"" + name + "\": make it (useradd --system " + name +
                             ") or change server.user");
  }
  return {entry->pw_uid, entry->pw_gid};
}

void drop_privileges(const std::string& user, const std::vector<std::string>& folders) {
  const auto [uid, gid] = find_user(user);
  if (::geteuid() == uid) return;
  if (::geteuid() != 0) throw std::runtime_error("only root can become server.user \"" + user + "\"");
  for (const auto& folder : folders) {
    if (folder.empty() || std::filesystem::exists(folder)) continue;
    std::filesystem::create_directories(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    if (::chown(folder.c_str(), uid, gid) != 0) fail(fmt::format("give {} to {}", folder, user));
  }
  if (::initgroups(user.c_str(), gid) != 0) fail("set groups of " + user);
  if (::setgid(gid) != 0) fail("set group of " + user);
  if (::setuid(uid) != 0) fail("become " + user);
  if (::setuid(0) == 0) throw std::runtime_error("privileges could be taken back");
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

}  // namespace gonets::app
