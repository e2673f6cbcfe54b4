#include "app/self_signed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "app/privileges.h"
#include "base/log.h"
#include "base/text.h"
#include "config/load.h"
#include "tls_policy/certificate.h"

namespace gonets::app {
namespace {

constexpr std::chrono::days valid_for{825};  // the longest that Apple's clients take
constexpr std::chrono::days renewed_before_end{30};

[[noreturn]] void fail_at(const std::string& path) {
  throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
}

bool is_good(const config::certificate& files, const std::string& hostname, wall_time now) {
  const auto certificate = config::read_file(files.certificate_file);
  const auto key = config::read_file(files.key_file);
  if (!certificate || !key || !tls_policy::key_mismatch(*certificate, *key).empty()) return false;
  const auto facts = tls_policy::read_certificate(*certificate);
  return facts && std::ranges::count(facts->names, to_lower(hostname)) > 0 &&
         facts->not_after - now > renewed_before_end;
}

class writer {
 public:
  explicit writer(const std::string& user) {
    if (!user.empty() && ::geteuid() == 0) owner_ = find_user(user);
  }

  void make_folder(const std::string& path) const {
    if (std::filesystem::is_directory(path)) return;
    if (::mkdir(path.c_str(), 0700) != 0) fail_at(path);
    give_away(path);
  }

  // Complete or not at all: a reload may be reading it.
  void write(const std::string& path, const std::string& text) const {
    const auto fresh = path + ".new";
    ::unlink(fresh.c_str());
    const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) fail_at(fresh);
    const bool complete = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (::close(file) != 0 || !complete) fail_at(fresh);
    give_away(fresh);
    if (::rename(fresh.c_str(), path.c_str()) != 0) fail_at(path);
  }

 private:
  void give_away(const std::string& path) const {
    if (owner_ && ::chown(path.c_str(), owner_->first, owner_->second) != 0) fail_at(path);
  }

  std::optional<std::pair<uid_t, gid_t>> owner_;
};

}  // namespace

void ensure_self_signed(const config::settings& with, wall_time now) {
  if (!with.tls.self_signed || !with.certificates.empty()) return;
  const auto files = with.self_signed_files();
  if (is_good(files, with.server.hostname, now)) return;
  std::vector<std::string> names{with.server.hostname};
  if (with.server.hostname != "localhost") names.emplace_back("localhost");
  const auto made = tls_policy::make_self_signed(names, now, valid_for);
  const writer to(with.server.user);
  to.make_folder(with.spool.path);
  to.make_folder(std::filesystem::path(files.key_file).parent_path());
  to.write(files.key_file, made.key);
  to.write(files.certificate_file, made.certificate);
  GONETS_LOG(info, "self_signed_certificate_made", "file", files.certificate_file, "name", with.server.hostname);
}

}  // namespace gonets::app
