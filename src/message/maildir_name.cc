#include "message/maildir_name.h"

#include <fmt/format.h>

namespace gonets::message {
namespace {

constexpr std::size_t host_bytes_max = 128;  // of 255 that a file name has; Dovecot appends sizes and flags

std::string clean_host(std::string_view host) {
  if (host.empty()) return "localhost";
  std::string clean;
  for (const char c : host) {
    if (clean.size() + 4 > host_bytes_max) break;
    if (c == '/') {
      clean += "\\057";
    } else if (c == ':') {
      clean += "\\072";
    } else {
      clean += c > ' ' && c <= '~' ? c : '_';
    }
  }
  return clean;
}

}  // namespace

std::string maildir_name(const maildir_facts& facts) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(facts.now.time_since_epoch()).count();
  return fmt::format("{}.M{:06}P{}Q{}.{}", seconds, facts.microseconds % 1'000'000, facts.process_id, facts.delivery,
                     clean_host(facts.host));
}

}  // namespace gonets::message
