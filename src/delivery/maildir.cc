#include "delivery/maildir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "message/address.h"
#include "message/maildir_name.h"

namespace gonets::delivery {
namespace {

bool is_safe_part(std::string_view part) {
  return !part.empty() && part.front() != '.' && part.find('/') == std::string_view::npos &&
         part.find('\0') == std::string_view::npos;
}

void replace_all(std::string& in, std::string_view what, std::string_view with) {
  for (auto at = in.find(what); at != std::string::npos; at = in.find(what, at + with.size())) {
    in.replace(at, what.size(), with);
  }
}

reply refusal(int error, std::string_view doing) {
  const auto text = fmt::format("mailbox: {}: {}", doing, std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return {452, {4, 2, 2}, text};
  return {451, {4, 3, 0}, text};
}

// Keeps a CR that may be half of a CRLF for the next part.
class line_end_writer {
 public:
  explicit line_end_writer(line_ends ends) : ends_(ends) {}
  std::string_view convert(std::string_view part) {
    if (ends_ == line_ends::crlf) return part;
    converted_.clear();
    for (const char c : part) {
      if (held_cr_ && c != '\n') converted_.push_back('\r');
      held_cr_ = c == '\r';
      if (!held_cr_) converted_.push_back(c);
    }
    return converted_;
  }
  std::string_view rest() const { return held_cr_ ? "\r" : ""; }

 private:
  line_ends ends_;
  bool held_cr_ = false;
  std::string converted_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  return synced;
}

std::optional<reply> write_content(int fd, const maildir_delivery& what) {
  line_end_writer ends(what.ends);
  const auto head = fmt::format("Return-Path: <{}>\r\nDelivered-To: {}\r\n", what.reverse_path, what.recipient);
  if (!write_all(fd, ends.convert(head))) return refusal(errno, "write");
  std::string part;
  for (bool more = true; more;) {
    part.clear();
    if (!what.read(part, more)) return reply{451, {4, 3, 0}, "the message could not be read from the spool"};
    if (!write_all(fd, ends.convert(part))) return refusal(errno, "write");
  }
  if (!write_all(fd, ends.rest())) return refusal(errno, "write");
  if (::fsync(fd) != 0) return refusal(errno, "fsync");
  return std::nullopt;
}

}  // namespace

std::optional<std::string> maildir_path(std::string_view pattern, std::string_view address) {
  const auto domain = message::domain_of(address);
  if (domain.size() + 1 > address.size()) return std::nullopt;
  const auto local = address.substr(0, address.size() - domain.size() - 1);
  if (!is_safe_part(local) || !is_safe_part(domain)) return std::nullopt;
  std::string path(pattern);
  // The domain first: a local part may contain "{domain}", a domain no braces.
  replace_all(path, "{domain}", domain);
  replace_all(path, "{local}", local);
  return path;
}

reply deliver_to_maildir(const maildir_delivery& what) {
  static std::atomic<std::uint64_t> deliveries{0};
  for (const auto* sub : {"/tmp", "/new", "/cur"}) {
    std::error_code error;
    std::filesystem::create_directories(what.folder + sub, error);
    if (error) return refusal(error.value(), "make folder");
  }
  message::maildir_facts facts;
  facts.now = what.now;
  facts.microseconds = static_cast<std::uint64_t>(what.now.time_since_epoch().count() % 1000) * 1000;
  facts.process_id = static_cast<std::uint32_t>(::getpid());
  facts.delivery = deliveries.fetch_add(1);
  facts.host = what.host;
  const auto name = message::maildir_name(facts);
  const auto temporary = what.folder + "/tmp/" + name;
  const auto final = what.folder + "/new/" + name;
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return refusal(errno, "create file");
  auto failed = write_content(fd, what);
  ::close(fd);
  if (!failed && ::rename(temporary.c_str(), final.c_str()) != 0) failed = refusal(errno, "rename");
  if (!failed && !sync_folder(what.folder + "/new")) failed = refusal(errno, "fsync of folder");
  if (failed) {
    ::unlink(temporary.c_str());
    return *failed;
  }
  return {250, {2, 1, 5}, "delivered to mailbox"};
}

}  // namespace gonets::delivery
